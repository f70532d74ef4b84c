"""Phrases that point at another place of the article, by language: data, to be added to."""

from __future__ import annotations

from enum import StrEnum


class Way(StrEnum):
    """Where a phrase points."""

    BACK = "back"
    AHEAD = "ahead"


class Thing(StrEnum):
    """What a phrase points at."""

    TEXT = "text"
    SECTION = "section"
    TABLE = "table"
    CODE = "code"
    PICTURE = "picture"
    LIST = "list"


Pointers = dict[tuple[Way, Thing], tuple[str, ...]]

POINTERS: dict[str, Pointers] = {
    "en": {
        (Way.BACK, Thing.TEXT): (
            "see above", "as above", "shown above", "mentioned above", "described above",
            "discussed above", "explained above", "noted above", "defined above", "listed above",
            "outlined above", "introduced above", "example above",
            "the above example",
            "mentioned earlier", "discussed earlier", "described earlier", "explained earlier",
            "noted earlier", "as we saw", "as we have seen", "as we've seen", "we saw earlier",
            "we saw above", "we talked about earlier", "earlier in this article",
            "earlier in this post", "earlier in this guide", "earlier in this tutorial",
            "earlier in this chapter", "at the beginning of this article",
            "at the start of this article",
        ),
        (Way.BACK, Thing.SECTION): (
            "previous section", "last section", "preceding section", "section above",
            "sections above", "previous sections", "earlier section", "previous chapter",
            "last chapter", "earlier chapter",
        ),
        (Way.BACK, Thing.TABLE): ("table above", "above table", "previous table"),
        (Way.BACK, Thing.CODE): (
            "code above", "above code", "snippet above", "above snippet", "command above",
            "above command", "commands above", "listing above", "previous snippet",
            "previous listing", "function above", "configuration above",
        ),
        (Way.BACK, Thing.PICTURE): (
            "figure above", "above figure", "image above", "above image", "picture above",
            "screenshot above", "diagram above", "chart above", "graph above", "photo above",
        ),
        (Way.BACK, Thing.LIST): ("list above", "above list", "steps above", "points above"),
        (Way.AHEAD, Thing.TEXT): (
            "see below", "shown below", "described below", "explained below", "discussed below",
            "listed below", "outlined below", "example below", "further below",
            "more on that later",
            "more on this later", "more about that later", "we will see later", "we'll see later",
            "later in this article", "later in this post", "later in this guide",
            "later in this tutorial", "later in this chapter", "at the end of this article",
        ),
        (Way.AHEAD, Thing.SECTION): (
            "next section", "following section", "section below", "sections below",
            "following sections", "next chapter", "following chapter", "later section",
            "a later chapter",
        ),
        (Way.AHEAD, Thing.TABLE): ("table below", "below table"),
        (Way.AHEAD, Thing.CODE): (
            "code below", "snippet below", "command below", "commands below", "listing below",
        ),
        (Way.AHEAD, Thing.PICTURE): (
            "figure below", "image below", "picture below", "screenshot below", "diagram below",
            "chart below", "graph below", "photo below",
        ),
        (Way.AHEAD, Thing.LIST): ("list below", "steps below", "points below"),
    },
    "de": {
        (Way.BACK, Thing.TEXT): (
            "siehe oben", "s. o.", "wie oben", "oben gezeigt", "oben erwähnt", "oben beschrieben",
            "oben genannt", "oben erklärt", "weiter oben", "obiges beispiel",
            "obigen beispiel", "beispiel oben", "wie bereits erwähnt", "wie schon erwähnt",
            "wie bereits beschrieben", "wie wir gesehen haben", "am anfang dieses artikels",
            "zu beginn dieses artikels",
        ),
        (Way.BACK, Thing.SECTION): (
            "vorigen abschnitt", "vorherigen abschnitt", "letzten abschnitt",
            "vorangegangenen abschnitt", "vorigen kapitel", "vorherigen kapitel",
            "letzten kapitel", "vorangegangenen kapitel", "abschnitt oben", "obigen abschnitt",
        ),
        (Way.BACK, Thing.TABLE): ("tabelle oben", "obige tabelle", "obigen tabelle"),
        (Way.BACK, Thing.CODE): (
            "code oben", "obiger code", "obigen code", "befehl oben", "obige befehl",
            "obigen befehl", "funktion oben",
        ),
        (Way.BACK, Thing.PICTURE): (
            "abbildung oben", "obige abbildung", "obigen abbildung", "bild oben", "foto oben",
            "obiges bild", "obigen bild", "grafik oben", "obige grafik", "obigen grafik",
        ),
        (Way.BACK, Thing.LIST): ("liste oben", "obige liste", "obigen liste"),
        (Way.AHEAD, Thing.TEXT): (
            "siehe unten", "s. u.", "unten gezeigt", "unten beschrieben", "unten erklärt",
            "weiter unten", "beispiel unten", "dazu später mehr", "später mehr", "mehr dazu unten",
            "später in diesem artikel", "am ende dieses artikels",
        ),
        (Way.AHEAD, Thing.SECTION): (
            "nächsten abschnitt", "folgenden abschnitt", "nächsten kapitel", "folgenden kapitel",
            "abschnitt unten",
        ),
        (Way.AHEAD, Thing.TABLE): ("tabelle unten",),
        (Way.AHEAD, Thing.CODE): ("code unten", "befehl unten"),
        (Way.AHEAD, Thing.PICTURE): ("abbildung unten", "bild unten", "foto unten", "grafik unten"),
        (Way.AHEAD, Thing.LIST): ("liste unten",),
    },
}  # fmt: skip
