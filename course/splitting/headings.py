"""Headings that say what their section is for, in the languages that articles are written in."""

from __future__ import annotations

import re
from enum import StrEnum

from course.words import folded


class Purpose(StrEnum):
    """What a section is for, as its heading says."""

    INTRODUCTION = "introduction"
    TAKEAWAYS = "takeaways"
    QUESTIONS = "questions"
    SUMMARY = "summary"
    CONCLUSION = "conclusion"
    AFTERWORD = "afterword"
    CONTENTS = "contents"


WORDS: dict[Purpose, tuple[str, ...]] = {
    Purpose.INTRODUCTION: (
        "introduction", "intro", "overview", "what this is about", "about this guide",
        "about this article", "about this course", "before we begin", "before we start",
        "worum es geht", "überblick", "einleitung", "einführung", "introducción", "introduzione",
        "introdução", "inleiding", "inledning", "wstęp", "введение", "giriş", "はじめに", "序論",
        "引言", "介绍", "簡介", "소개", "서론", "مقدمة",
    ),
    Purpose.TAKEAWAYS: (
        "key takeaways", "takeaways", "main takeaways", "the takeaways", "key points",
        "main points", "key learnings", "what you will learn", "what you'll learn",
        "what you’ll learn", "at a glance", "highlights", "das wichtigste in kürze",
        "das wichtigste", "auf einen blick", "kernaussagen", "die wichtigsten punkte",
        "die wichtigsten erkenntnisse", "points clés", "les points clés", "à retenir",
        "ce qu'il faut retenir", "ce qu’il faut retenir", "l'essentiel", "l’essentiel",
        "puntos clave", "ideas clave", "conclusiones clave", "lo más importante", "punti chiave",
        "in sintesi", "pontos principais", "principais conclusões", "belangrijkste punten",
        "kernpunten", "viktigaste punkterna", "najważniejsze wnioski", "główne punkty",
        "ключевые выводы", "главное", "önemli noktalar", "重要なポイント", "要点", "ポイント",
        "关键要点", "要點", "核心要点", "핵심 요약", "핵심 포인트", "النقاط الرئيسية", "أهم النقاط",
    ),
    Purpose.QUESTIONS: (
        "questions", "fragen", "faq", "faqs", "q&a", "q & a", "frequently asked questions",
        "common questions",
        "questions and answers", "questions & answers", "häufig gestellte fragen",
        "häufige fragen", "fragen und antworten", "foire aux questions", "questions fréquentes",
        "questions fréquemment posées", "questions et réponses", "preguntas frecuentes",
        "preguntas y respuestas", "domande frequenti", "perguntas frequentes",
        "veelgestelde vragen", "vanliga frågor", "najczęściej zadawane pytania",
        "часто задаваемые вопросы", "вопросы и ответы", "sıkça sorulan sorular",
        "よくある質問", "質問と回答", "常见问题", "常見問題", "자주 묻는 질문", "الأسئلة الشائعة",
    ),
    Purpose.SUMMARY: (
        "summary", "in short", "in brief", "tl;dr", "tldr", "recap", "zusammenfassung",
        "kurz gesagt", "kurzfassung", "résumé", "en résumé", "en bref", "resumen", "en resumen",
        "riassunto", "in breve", "resumo", "em resumo", "samenvatting", "kort samengevat",
        "sammanfattning", "podsumowanie", "резюме", "кратко", "özet", "まとめ", "概要", "总结",
        "小结", "總結", "요약", "ملخص", "الملخص",
    ),
    Purpose.CONCLUSION: (
        "conclusion", "conclusions", "in conclusion", "the conclusion", "wrapping up",
        "wrap up", "wrap-up", "final thoughts", "final words", "closing thoughts",
        "closing words", "concluding thoughts", "concluding remarks", "parting thoughts",
        "the bottom line", "bottom line", "to conclude", "to sum up", "fazit", "schluss",
        "schlusswort", "schlussfolgerung", "schlussgedanken", "abschluss", "zum schluss",
        "pour conclure", "en conclusion", "le mot de la fin", "conclusión", "conclusiones",
        "para terminar", "reflexiones finales", "conclusione", "conclusioni", "conclusão",
        "considerações finais", "conclusie", "tot slot", "slutsats", "avslutning", "wnioski",
        "zakończenie", "заключение", "выводы", "sonuç", "おわりに", "終わりに", "最後に", "結論",
        "结论", "结语", "結論與建議", "결론", "마치며", "الخاتمة", "خاتمة",
    ),
    Purpose.AFTERWORD: (
        "license", "licence", "lizenz",
        "references", "further reading", "resources", "sources", "see also", "acknowledgements",
        "acknowledgments", "about the author", "bibliography", "credits", "quellen",
        "literatur", "weiterführende links", "über den autor", "über die autorin", "références",
        "pour aller plus loin", "sources et références", "referencias", "recursos",
        "para saber más", "riferimenti", "referências", "bronnen", "källor", "bibliografia",
        "источники", "литература", "kaynaklar", "参考文献", "参考資料", "参考资料", "참고 자료",
        "참고문헌", "المراجع",
    ),
    Purpose.CONTENTS: (
        "table of contents", "contents", "on this page", "in this article", "toc", "inhalt",
        "inhaltsverzeichnis", "table des matières", "sommaire", "índice", "indice", "inhoud",
        "innehåll", "spis treści", "содержание", "içindekiler", "目次", "目录", "目錄", "목차",
        "المحتويات",
    ),
}  # fmt: skip

_OF_QUESTIONS = re.compile(
    r"\bquestions?\b|\bask(?:ed|s)?\b|\bfaqs?\b|\bfragen\b|\bgefragt\b|\bpreguntas\b|質問|问题|أسئلة"
)
_PURPOSES = {words: purpose for purpose, known in WORDS.items() for words in known}
_TRIMMED = re.compile(r"^[\W\d_]+|[\W_]+$")
_ARTICLE = re.compile(r"^(?:the|our|my|die|das|unsere|les|las|los|i|le)\s+")
_PARTED = re.compile(r"\s*[:：|(（—–]\s*|\s+-\s+|\s+(?:about|on|from|for|zu|zum|zur|sur|sobre)\s+")


def purpose(title: str) -> Purpose | None:
    """Return what a section titled ``title`` is for; ``None`` for an ordinary one.

    Numbers, symbols and whatever follows a colon do not matter: "5. Conclusion: what now?".
    """
    whole = _TRIMMED.sub("", folded(title))
    first = _TRIMMED.sub("", _PARTED.split(whole, maxsplit=1)[0])
    for words in (whole, first, _ARTICLE.sub("", first)):
        if words in _PURPOSES:
            return _PURPOSES[words]
    last = _PURPOSES.get(re.split(r"\s*[:：]\s*", whole)[-1])
    return last if last in (Purpose.QUESTIONS, Purpose.TAKEAWAYS) else None


def speaks_of_questions(title: str) -> bool:
    """Tell whether a heading may stand over questions: "Questions people ask me"."""
    return bool(_OF_QUESTIONS.search(folded(title)))
