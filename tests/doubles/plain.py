"""Plain: the vocabulary of all that Runline declares, for tests that take it as it is."""

from runline.domain.vocabulary import plain_vocabulary

VOCABULARY = plain_vocabulary()
