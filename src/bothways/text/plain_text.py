"""General text from a file: what a model reads along while it learns something new, so that it keeps what it could."""

from dataclasses import dataclass
from pathlib import Path

from bothways.disk import file_digest
from bothways.errors import BothwaysError
from bothways.options import at_least
from bothways.text.corpus import TextSource
from bothways.types import Corpus, Document, Exam


@dataclass(frozen=True, kw_only=True)
class PlainText(TextSource):
    """The lines of a text file, each a document; long lines are cut between words.

    Source: replay of earlier text, Ibrahim et al., arXiv 2403.08763. Differs from it by: the text need not be what the
    model was trained on, which for most models nobody has.
    """

    file: str = ""
    """A UTF-8 text file, one text a line."""
    digest: str = ""
    """The SHA-256 that the file must have, so that a resumed run reads what it began with; empty for any."""
    most: int = 64
    """Words in a document; a line of more is several."""

    def __post_init__(self) -> None:
        at_least(1, "Raise it.", most=self.most)

    @classmethod
    def of(cls, file: Path) -> "PlainText":
        """Return the text of a file as it is now.

        Raises:
            BothwaysError: the file is not there, is no UTF-8 text, or is empty.
        """
        read_lines(file)
        return cls(file=str(file.absolute()), digest=file_digest(file))

    def write(self, exam: Exam, seed: int) -> Corpus:
        """Return the documents of the file, in its order; nothing is drawn.

        Raises:
            BothwaysError: the file is not there, has changed, is no UTF-8 text, or is empty.
        """
        path = Path(self.file)
        words = [line.split() for line in read_lines(path)]
        if self.digest and self.digest != file_digest(path):
            raise BothwaysError(f"{path} has changed since the run was planned. Put it back, or begin a new run.")
        cut = [line[at : at + self.most] for line in words for at in range(0, len(line), self.most)]
        return Corpus(tuple(Document(" ".join(piece), (), None, ()) for piece in cut))


def read_lines(path: Path, most: int = -1) -> list[str]:
    """Return the lines of a text file that are not blank, of its first `most` characters or of all.

    Raises:
        BothwaysError: the file is not there, is no UTF-8 text, or is empty.
    """
    if not path.is_file():
        raise BothwaysError(f"{str(path)!r} is no file of general text. Name a text file with one text a line.")
    with path.open(encoding="utf-8") as file:
        try:
            lines = file.read(most).splitlines()
        except UnicodeDecodeError:
            raise BothwaysError(f"{path} is not written in UTF-8. Save the general text as UTF-8.") from None
    found = [line.strip() for line in lines if line.strip()]
    if not found:
        raise BothwaysError(f"{path} holds no text. Write one general text a line.")
    return found
