"""The renderer writes inputs and drop-downs as Django's templates do, and leaves the others to them."""

import lxml.html
import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from hypothesis import given
from hypothesis import strategies as st

from core.forms import FormRenderer
from tests.examples import examples

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20) | st.sampled_from(['"><b>&', "'", ""])
CHOICES = st.lists(st.tuples(TEXTS | st.integers(), TEXTS), max_size=4)
WIDGETS = st.one_of(
    st.sampled_from([forms.TextInput, forms.HiddenInput, forms.NumberInput, forms.EmailInput, forms.DateInput]).map(
        lambda widget: widget()
    ),
    st.sampled_from([forms.CheckboxInput, forms.PasswordInput, forms.Textarea]).map(lambda widget: widget()),
    CHOICES.map(lambda choices: forms.Select(choices=choices)),
    CHOICES.map(lambda choices: forms.Select(choices=[("A & B", choices), ("", "none")])),
    CHOICES.map(lambda choices: forms.CheckboxSelectMultiple(choices=choices)),
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["id", "class", "placeholder", "required", "maxlength"]), TEXTS | st.booleans() | st.integers()
)


def elements(html: str) -> list[object]:
    """The elements of some HTML, with what they hold and in their order. Spaces between them mean nothing."""
    root = lxml.html.fragment_fromstring(html, create_parent="div")
    return [(element.tag, dict(element.attrib), (element.text or "").strip()) for element in root.iter()]


@pytest.mark.slow
@examples(200)
@given(WIDGETS, TEXTS, TEXTS | st.none() | st.booleans() | st.integers(), ATTRIBUTES)
def test_it_writes_what_the_templates_write(
    widget: forms.Widget, name: str, value: object, attributes: dict[str, object]
) -> None:
    ours, djangos = (
        widget.render(name, value, attributes, renderer) for renderer in (FormRenderer(), DjangoTemplates())
    )

    assert elements(ours) == elements(djangos)


def test_a_form_uses_it() -> None:
    class NameForm(forms.Form):
        name = forms.CharField(initial='"><script>')

    assert isinstance(NameForm().renderer, FormRenderer)
    assert (
        str(NameForm()["name"])
        == '<input type="text" name="name" value="&quot;&gt;&lt;script&gt;" required id="id_name">'
    )


@pytest.mark.parametrize("localized", [True, False])
def test_a_number_is_written_as_the_widget_wants_it(localized: bool) -> None:
    widget = forms.NumberInput()
    widget.is_localized = localized

    assert elements(widget.render("n", 12_304, {}, FormRenderer())) == elements(
        widget.render("n", 12_304, {}, DjangoTemplates())
    )
