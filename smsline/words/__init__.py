"""What a person's reply says: stop, start again, perhaps one of them, or neither.

By a table of words that can be edited.

`judge` reads a reply, `load_words` lets a user's file change the table (docs/replies.md).
"""

from smsline.words.reading import Judgement, judge, stop_scope
from smsline.words.table import BadWords, clear_words, load_words

__all__ = ["BadWords", "Judgement", "clear_words", "judge", "load_words", "stop_scope"]
