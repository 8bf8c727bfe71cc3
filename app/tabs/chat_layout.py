"""The components of the chat, from top to bottom."""

import gradio as gr

from app import chat_view, forms
from app.markup import html, safe, term
from app.tabs import pickers
from app.tabs.pickers import Picker
from app.wiring import Values
from app.words import Say
from engine.core.sampling import Sampling
from engine.inference.messages import AROUND, ChatSide
from engine.service.limits import Limits

_TAKE_PICTURES = "Gatelight.ready.then(({ takePictures }) => takePictures(element));"
_TALK = "Gatelight.ready.then(({ mountTalk }) => mountTalk(element, (turn) => trigger('select', { turn })));"
CHIPS = 3
FIELDS = tuple(Sampling.fields())
STRONGEST = 2.0
ROOM_TO_TALK = "max(200px, min(56vh, 100vh / var(--gl-scale, 1) - 496px))"
"""Height of the conversation, which leaves the strength dial in the window of a laptop."""


class Layout:
    """The components, from top to bottom."""

    def __init__(self, say: Say, limits: Limits) -> None:
        html(f'<h2 class="gl-title">{say("chat.title", base=term(say, "base"))}</h2>')
        self._build_columns(say)
        self._build_conversation(say)
        self._build_pictures(say)
        self._build_box(say)
        self._build_tools(say)
        with gr.Row(elem_classes="gl-chips"):
            self.chips = [
                gr.Button("", size="sm", visible=False, elem_classes="gl-chip-question") for _ in range(CHIPS)
            ]
        self.asked = [*self.chips, self.picture, self.beside_row, self.prompt, self.send, self.halt]
        self.asked += [self.alone, self.passage]
        self._build_dials(say)
        self._build_settings(say, limits)

    def _build_columns(self, say: Say) -> None:
        """Who answers: a menu of runs and one of steps for each column."""
        self.third_shown = gr.State(False)
        with gr.Row(elem_classes="gl-sides"):
            self.sides: list[Picker] = []
            for name in ("left", "right"):
                with gr.Row(elem_classes=f"gl-seat {name}"):
                    self.sides.append(pickers.build(say, name, say(f"chat.{name}")))
            with gr.Row(elem_classes="gl-seat third", visible=False) as self.third_row:
                self.sides.append(pickers.build(say, "third", say("chat.third_column")))
            self.third = gr.Button(say("chat.third"), size="sm", scale=0, min_width=96, elem_id="gl-third")

    def _build_conversation(self, say: Say) -> None:
        """What was said, and which question is edited."""
        self.conversation = html(
            chat_view.conversation(say, []), elem_id="gl-conversation", max_height=ROOM_TO_TALK, js_on_load=_TALK,
        )  # fmt: skip
        self.editing = gr.State(None)
        with gr.Row(elem_classes="gl-editing", visible=False) as self.editing_row:
            self.edited = html(elem_id="gl-edited")
            self.give_up = gr.Button(
                say("chat.edit.cancel"), size="sm", scale=0, min_width=96, elem_id="gl-edit-cancel"
            )

    def _build_pictures(self, say: Say) -> None:
        """A picture in place of words, one beside them, or a text that a question is about."""
        self.picture = gr.File(
            label=say("chat.picture"), file_types=["image"], height=120, visible=False, elem_id="gl-chat-picture",
        )  # fmt: skip
        with gr.Row(elem_classes="gl-beside", visible=False) as self.beside_row:
            self.seen = html(elem_id="gl-chat-seen")
            self.beside = gr.File(
                label=say("chat.beside"), file_types=["image"], height=72, scale=1, elem_id="gl-chat-beside",
            )  # fmt: skip
        html(f'<p class="gl-note" role="status" hidden>{safe(say("chat.beside.none"))}</p>', js_on_load=_TAKE_PICTURES)
        self.passage = gr.Textbox(
            label=say("chat.passage"), placeholder=say("chat.passage.empty"), lines=2, max_lines=4, visible=False,
            elem_id="gl-passage",
        )  # fmt: skip

    def _build_box(self, say: Say) -> None:
        """The message, Send and Stop."""
        with gr.Row(elem_classes="gl-ask"):
            self.prompt = gr.Textbox(
                placeholder=say("chat.placeholder"), show_label=False, label=say("chat.message"), lines=1, max_lines=6,
                scale=6, elem_id="gl-prompt", container=False,
            )  # fmt: skip
            self.send = gr.Button(say("chat.send"), variant="primary", scale=0, min_width=96, elem_id="gl-send")
            self.halt = gr.Button(say("chat.stop"), scale=0, min_width=80, interactive=False, elem_id="gl-stop-answer")

    def _build_tools(self, say: Say) -> None:
        """Whether questions stand alone, and what is done with the conversation."""
        with gr.Row(elem_classes="gl-talk-tools"):
            self.alone = gr.Checkbox(
                value=True, label=say("chat.alone"), container=False, scale=1, min_width=240, elem_id="gl-alone",
            )  # fmt: skip
            self.alone_chosen = gr.State(False)
            self.again, self.clear, self.save = (
                gr.Button(
                    say(f"chat.{name}"), size="sm", scale=0, min_width=wide, interactive=False, elem_id=f"gl-{name}"
                )
                for name, wide in (("again", 96), ("clear", 72), ("save", 136))
            )
            self.saved = gr.Textbox(visible=False)
            self.kept, self.former = gr.Textbox("", visible="hidden"), gr.Textbox("", visible="hidden")

    def _build_dials(self, say: Say) -> None:
        """The adapter's strength with its curve, and how far the columns are apart."""
        with gr.Row(elem_classes="gl-dials"):
            with gr.Column(scale=3, min_width=280):
                html(f'<h3 class="gl-h3">{safe(say("chat.strength"))} {term(say, "strength")}</h3>')
                self.strength = gr.Slider(
                    0.0, STRONGEST, value=1.0, step=0.05, show_label=False, label=say("chat.strength"),
                    elem_id="gl-strength", container=False, buttons=["reset"],
                )  # fmt: skip
                self.curve = html("", elem_id="gl-curve")
                self.draw = gr.Button(say("chat.curve.draw"), size="sm", elem_id="gl-draw-curve")
            with gr.Column(scale=2, min_width=240):
                self.meter = html(chat_view.meter(say, None), elem_id="gl-meter")

    def _build_settings(self, say: Say, limits: Limits) -> None:
        """How questions are written, and how tokens are chosen."""
        with gr.Accordion(say("chat.how"), open=False):
            self.system = gr.Textbox(
                label=say("chat.system"), info=say("chat.system.help"), lines=2, max_lines=6, elem_id="gl-system",
            )  # fmt: skip
            self.around = gr.Dropdown(
                [(say(f"chat.around.{name}"), name) for name in AROUND], value=AROUND[0], label=say("chat.around"),
                info=say("chat.around.help"), filterable=False, elem_id="gl-around",
            )  # fmt: skip
        with gr.Accordion(say("chat.sampling"), open=False), gr.Row(elem_classes="gl-settings"):
            self.sampling = forms.controls(map(limits.narrowed, FIELDS), say)

    @property
    def menus(self) -> set[gr.Dropdown]:
        """The menus of all columns."""
        return {menu for side in self.sides for menu in (side.run, side.step)}

    def shown(self, values: Values) -> list[Picker]:
        """The columns that are shown."""
        return self.sides if values[self.third_shown] else self.sides[:2]

    def chosen_sides(self, values: Values) -> tuple[ChatSide, ...]:
        """What the columns ask for, from the values of the menus, the strength and whether there is a third column."""
        return tuple(
            pickers.side(values[side.run], values[side.step], values[self.strength]) for side in self.shown(values)
        )
