"""Text in many languages: words, tokenizers, encoders of sentences and what they learn from."""
