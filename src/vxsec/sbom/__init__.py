"""Bills of materials: made from a graph, checked, compared with the bytes, drawn. Pure: the schemas are library data."""
