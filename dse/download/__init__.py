"""Files from elsewhere: resumable downloads, archives, the Hugging Face hub."""
