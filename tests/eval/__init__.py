"""How well the pipeline does on annotated news: texts in, a warehouse out, scored against what people marked."""
