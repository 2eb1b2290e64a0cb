"""STOP and START in the spellings that phones and people make of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.keywords import consent_of

FCC = ["stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe"]
SPANISH = ["alto", "parar", "basta", "baja", "cancelar", "detener", "terminar", "fin"]
FRENCH = ["arrêt", "arrêter", "ARRÊTEZ", "désabonner", "annuler", "se désabonner"[3:]]


def opts_out(text: str) -> bool | None:
    consent = consent_of(text)
    return None if consent is None else consent.opted_out


@pytest.mark.parametrize("word", [*FCC, *SPANISH, *FRENCH, "stopall", "stop all", "optout", "OPT-OUT", "opt_out"])
def test_each_word_for_stop_is_one(word: str) -> None:
    for text in (word, word.upper(), f"  {word}. ", f"“{word}”", f"{word}…", f"{word}\u200b", f"{word}!! Thank you"):
        assert opts_out(text) is True, text


@pytest.mark.parametrize("word", ["start", "unstop", "yes", "opt in", "OPT-IN", "inicio", "empezar", "commencer"])
def test_each_word_for_start_is_one(word: str) -> None:
    for text in (word, word.upper(), f" {word}. ", f"“{word}”", f"{word}\u200b"):
        assert opts_out(text) is False, text


@pytest.mark.parametrize(
    "text",
    [
        "OPT-OUT",
        "“STOP”",
        "STOP,",
        "stop…",
        "STOP\u200b",
        "Stop. Thank you",
        "STOP\n\nSent from my iPhone",
        "Please stop",
        "ＳＴＯＰ",
        "S.T.O.P.",
        "STOP2END",
        "Arre\u0302t svp",
        "ALTO por favor",
        "END\nSent from my phone",
    ],
)
def test_signs_widths_politeness_and_signatures_do_not_hide_a_stop(text: str) -> None:
    assert opts_out(text) is True


@pytest.mark.parametrize(
    "text",
    [
        "",
        "👍",
        "Thank you",
        "Who is this?",
        "Bus stop?",
        "stopped",
        "End of day?",
        "Fin de semana estamos fuera",
        "Cancel my appointment tomorrow",
        "Yes, we will come",
        "Sí",
        "Oui",
        "start time?",
        "HELP",
        "\0\ud800",
    ],
)
def test_any_other_text_is_no_consent(text: str) -> None:
    assert consent_of(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Please stop texting me",
        "Please stop by the office",
        "I do not want these texts any more",
        "Take me off this list",
        "Por favor, no me manden más mensajes",
    ],
)
def test_a_refusal_in_a_sentence_is_for_a_person_to_read(text: str) -> None:
    """It goes to Replies, and the program decides nothing.

    The FCC's rule names the words that a program must know. Of other words it asks whether a reasonable person takes
    them for a refusal, so a person reads them. The second of these texts shows that "stop" within a sentence does not
    tell: only the first word does, and "Please stop" as a sentence of its own.
    """
    assert consent_of(text) is None


@pytest.mark.parametrize("text", ["Stop texting me, please", "Please stop. You text me each day"])
def test_a_refusal_by_its_first_word_or_sentence_needs_no_person(text: str) -> None:
    assert opts_out(text) is True


@pytest.mark.parametrize(
    ("text", "whole"),
    [("STOP", True), ("Stop, thank you!", True), ("stop calling about Mai", False), ("END\nSent from my phone", False)],
)
def test_a_text_that_says_more_is_told_apart(text: str, whole: bool) -> None:
    consent = consent_of(text)
    assert consent
    assert consent.whole is whole


def test_a_yes_alone_is_told_apart_from_a_start() -> None:
    for text, answer in (("Yes!", True), ("START", False)):
        consent = consent_of(text)
        assert consent
        assert consent.answer is answer


@given(word=st.sampled_from(FCC), before=st.text(" .,!\u200b\u202a“*_\n"), after=st.text(" .,!?\u200b\u202c”*_\n…"))
def test_no_signs_around_a_word_hide_it(word: str, before: str, after: str) -> None:
    assert opts_out(before + word + after) is True


@given(st.text())
def test_no_text_whatever_breaks_the_reading(text: str) -> None:
    consent_of(text)
