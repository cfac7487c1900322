"""How sure an attribution is: the share of right speakers among those like it."""

from tasks.attribution.document import Draft

CONFIDENCE = {
    "after_quote": 0.95, "before_quote": 0.82, "bare_after": 0.35, "by_position": 0.83, "colon": 0.68, "sign_off": 0.9,
    "around_clause": 0.87, "according_to": 0.93, "same_sentence": 0.62, "same_sentence_after": 0.25, "clause_subject": 0.6,
    "carried_inside": 0.97, "goes_on": 0.8, "carried_back": 0.85, "carried_over": 0.7, "continued_paragraph": 0.9, "continued_back": 0.6,
    "introduced_by_colon": 0.83, "reported_verb": 0.8, "reported_according": 0.85, "reported_noun": 0.6,
}  # fmt: skip
"""Rule -> share of its speakers that are right, measured on annotated political news; rules with few cases are set by judgement."""
LEAST_CONFIDENCE = 0.5
"""Below it nobody is named: a speaker that is more likely wrong than right is only kept as a candidate."""
_NESTED_FACTOR = 0.7  # words inside somebody's words are parsed less well


def rate_confidence(draft: Draft) -> float:
    """Return the share of right speakers to expect of the draft's rule, 0 when it names nobody."""
    if draft.speaker is None:
        return 0.0
    confidence = CONFIDENCE.get(draft.rule.removeprefix("nested_"), 0.0)
    return confidence * _NESTED_FACTOR if draft.depth else confidence
