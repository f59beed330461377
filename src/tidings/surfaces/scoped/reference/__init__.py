"""The reference: a page and an OpenAPI slice for each operation, made from the document as it is served."""
