"""Any model file through LoadGen: which one, with which inputs, and what came out."""
