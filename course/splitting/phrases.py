"""The few words a course says for its author, in the article's language."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phrases:
    """What a letter says where the author has chosen nothing; ``{title}`` is put in.

    Attributes:
        prompts: reflection questions on a lesson, taken in turn.
        finale: the last letter's subject where the article has no conclusion.
    """

    prompts: tuple[str, ...]
    finale: str


PHRASES = {
    "en": Phrases(
        (
            "“{title}”: what in this do you recognise from your own days, and what surprised you?",
            "What is one small thing from “{title}” that you will try before tomorrow’s letter?",
            "If you told a friend about “{title}” tonight, what would you say first?",
        ),
        "{title}: looking back",
    ),
    "de": Phrases(
        (
            "„{title}“: Was davon kennst du aus deinem Alltag, und was hat dich überrascht?",
            "Welche kleine Sache aus „{title}“ probierst du bis zum nächsten Brief aus?",
            "Wenn du heute Abend jemandem von „{title}“ erzählst: Womit fängst du an?",
        ),
        "{title}: ein Blick zurück",
    ),
    "fr": Phrases(
        (
            "« {title} » : qu’y reconnais-tu de ton quotidien, et qu’est-ce qui t’a surpris ?",
            "Quelle petite chose de « {title} » vas-tu essayer avant la prochaine lettre ?",
            "Si tu parlais de « {title} » à un ami ce soir, par quoi commencerais-tu ?",
        ),
        "{title} : regard en arrière",
    ),
    "es": Phrases(
        (
            "«{title}»: ¿qué reconoces de tu día a día y qué te ha sorprendido?",
            "¿Qué pequeña cosa de «{title}» vas a probar antes de la próxima carta?",
            "Si esta noche le hablaras a alguien de «{title}», ¿por dónde empezarías?",
        ),
        "{title}: una mirada atrás",
    ),
    "ja": Phrases(
        (
            "「{title}」の中で、ご自身の毎日に重なるところ、意外だったところはどこですか。",
            "次の手紙までに、「{title}」から小さくひとつ試すとしたら、何をしますか。",
            "今夜だれかに「{title}」の話をするなら、まず何を伝えますか。",
        ),
        "{title}：ふりかえり",
    ),
}


def phrases(language: str) -> Phrases:
    """Return the phrases of a BCP 47 tag's language; English where there are none."""
    return PHRASES.get(language.partition("-")[0].casefold(), PHRASES["en"])
