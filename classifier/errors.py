"""Why a creative could not be used: one code per reason, one sentence per reader."""

from __future__ import annotations

from enum import StrEnum


class ErrorCode(StrEnum):
    """The reasons. Their values are stored with jobs: rename none, only add."""

    NOT_FOUND = "not_found"
    UNREADABLE = "unreadable"
    EMPTY = "empty"
    NOT_MEDIA = "not_media"
    NO_STREAMS = "no_streams"
    UNSUPPORTED_CODEC = "unsupported_codec"
    DAMAGED = "damaged"
    TOO_LONG = "too_long"
    TOO_LARGE = "too_large"
    PICTURE_TOO_LARGE = "picture_too_large"
    OUTPUT_TOO_LARGE = "output_too_large"
    TIMED_OUT = "timed_out"
    MEMORY_LIMIT = "memory_limit"
    INTERNAL = "internal"

    def sentence(self, language: str = "ru") -> str:
        """What is wrong and what to do, for an analyst.

        ``language`` is a code such as ``ru``, ``ru-RU`` or ``en``; any other than Russian gets
        the English sentence.
        """
        russian, english = _SENTENCES[self]
        return russian if language.lower().startswith("ru") else english


_SENTENCES: dict[ErrorCode, tuple[str, str]] = {
    ErrorCode.NOT_FOUND: (
        "Файл не найден: его переместили или удалили. Загрузите креатив ещё раз.",
        "File not found: it was moved or deleted. Upload the creative again.",
    ),
    ErrorCode.UNREADABLE: (
        "Файл не читается: нет прав на чтение, это папка или диск недоступен. "
        "Проверьте доступ к файлу.",
        "The file cannot be read: no permission, it is a folder, or the disk is unavailable. "
        "Check access to the file.",
    ),
    ErrorCode.EMPTY: (
        "Файл пуст: в нём нет ни одной секунды звука или видео. Загрузите креатив заново.",
        "The file is empty: it holds no sound or video at all. Upload the creative again.",
    ),
    ErrorCode.NOT_MEDIA: (
        "Это не аудио и не видео, каким бы ни было расширение файла. "
        "Загрузите сам креатив (wav, mp4, avi, flv, webm, ogg).",
        "This is neither audio nor video, whatever its extension says. "
        "Upload the creative itself (wav, mp4, avi, flv, webm, ogg).",
    ),
    ErrorCode.NO_STREAMS: (
        "В файле нет ни звуковой, ни видеодорожки. Выгрузите креатив из источника ещё раз.",
        "The file has neither a sound track nor a video track. Export the creative again.",
    ),
    ErrorCode.UNSUPPORTED_CODEC: (
        "Креатив сжат неизвестным кодеком. Перекодируйте его, например в mp4 (H.264 и AAC).",
        "The creative is compressed with an unknown codec. "
        "Convert it, for example to mp4 (H.264 and AAC).",
    ),
    ErrorCode.DAMAGED: (
        "Файл повреждён: из него не удалось прочитать ни звука, ни кадра. "
        "Скачайте креатив из источника ещё раз.",
        "The file is damaged: neither sound nor a single picture could be read. "
        "Download the creative from its source again.",
    ),
    ErrorCode.TOO_LONG: (
        "Креатив длиннее, чем разрешено. Вырежьте нужную часть и загрузите её.",
        "The creative is longer than allowed. Cut out the part you need and upload that.",
    ),
    ErrorCode.TOO_LARGE: (
        "Файл больше, чем разрешено. Сожмите креатив сильнее, например в mp4, и загрузите снова.",
        "The file is larger than allowed. Compress the creative more, for example as mp4, and "
        "upload it again.",
    ),
    ErrorCode.PICTURE_TOO_LARGE: (
        "Кадр больше, чем разрешено. Уменьшите разрешение видео, например до 1920×1080, "
        "и загрузите креатив снова.",
        "The picture is larger than allowed. Lower the resolution of the video, for example to "
        "1920×1080, and upload the creative again.",
    ),
    ErrorCode.OUTPUT_TOO_LARGE: (
        "В файле больше звука или кадров, чем разрешено хранить. "
        "Вырежьте нужную часть и загрузите её.",
        "The file holds more sound or pictures than may be kept. "
        "Cut out the part you need and upload that.",
    ),
    ErrorCode.TIMED_OUT: (
        "Чтение файла заняло слишком много времени и остановлено. Попробуйте ещё раз "
        "или перекодируйте креатив в mp4.",
        "Reading the file took too long and was stopped. Try again or convert the creative to mp4.",
    ),
    ErrorCode.MEMORY_LIMIT: (
        "Для чтения файла не хватило памяти: он слишком велик или повреждён. "
        "Перекодируйте креатив в меньшее разрешение или скачайте его ещё раз.",
        "Reading the file needed too much memory: it is too large or damaged. "
        "Convert the creative to a lower resolution or download it again.",
    ),
    ErrorCode.INTERNAL: (
        "Внутренняя ошибка при чтении файла. Попробуйте ещё раз; "
        "если повторится, сообщите администратору.",
        "Internal error while reading the file. Try again; if it repeats, tell the administrator.",
    ),
}


class DataError(ValueError):
    """The rows that were given teach or measure nothing; the message is for who gave them."""


class MediaError(Exception):
    """A creative that gives no result.

    ``code`` says why to people and to programs, ``detail`` is technical and meant for logs.
    """

    def __init__(self, code: ErrorCode, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}" if self.detail else str(self.code)
