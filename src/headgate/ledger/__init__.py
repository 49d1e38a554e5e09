"""What is known: records, graph, claims, bitmaps, content, migrations."""
