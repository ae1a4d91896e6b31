"""Names that are no callables."""

get_model = 5
