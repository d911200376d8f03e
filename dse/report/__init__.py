"""What a study says: as text, as JSON, as a table, as a picture."""
