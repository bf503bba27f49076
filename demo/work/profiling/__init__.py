"""The parts of `dataset_profile`: rows of a CSV, types of columns, and what is counted of them."""
