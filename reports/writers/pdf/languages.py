"""The language of a text, as far as its characters say: Chinese ones have forms that differ between languages."""

import re

HAN = re.compile("[\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
KANA = re.compile("[\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f]").search
HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]").search

WRITTEN_WITH_HAN = {"zh", "ja", "ko"}
CHARSETS = {"zh-Hans": "gb2312", "zh-Hant": "big5", "ja": "shift_jis"}
"""Languages, and for each the national character set with its characters, but not those of the others."""


def language_of(text: str, document: str) -> str:
    """Return the language tag for a text, in a document of the language `document`.

    Without Chinese characters it is the document's language. With them it is Japanese if the text has kana, and Korean
    if it has Hangul. Otherwise it is the document's language, if that uses these characters; else the first language
    whose character set has all of them, and simplified Chinese if none has.
    """
    characters = "".join(HAN.findall(text))
    if not characters:
        return document
    if KANA(text):
        return "ja"
    if HANGUL(text):
        return "ko"
    if document.partition("-")[0].lower() in WRITTEN_WITH_HAN:
        return document
    return next((language for language, charset in CHARSETS.items() if _has(charset, characters)), "zh-Hans")


def spoken_language(text: str, document: str) -> str:
    """Return the language tag with which a text is read aloud, in a document of the language `document`.

    Scripts that many languages share say nothing: their texts are in the language of the document.
    """
    if KANA(text):
        return "ja"
    return "ko" if HANGUL(text) else language_of(text, document)


def _has(charset: str, characters: str) -> bool:
    try:
        characters.encode(charset)
    except UnicodeEncodeError:
        return False
    return True
