"""General text from a file: what a model reads along while it learns something new, so that it keeps what it could."""

from dataclasses import dataclass
from pathlib import Path

from bothways.disk import file_digest
from bothways.errors import BothwaysError
from bothways.facts.readers.lines import read_lines, show_path
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
        plain_lines(file)
        return cls(file=str(file.absolute()), digest=file_digest(file))

    def write(self, exam: Exam, seed: int) -> Corpus:
        """Return the documents of the file, in its order; nothing is drawn.

        Raises:
            BothwaysError: the file is not there, has changed, is no UTF-8 text, or is empty.
        """
        path = Path(self.file)
        words = [line.split() for line in plain_lines(path)]
        if self.digest and self.digest != file_digest(path):
            raise BothwaysError(
                f"{show_path(path)} has changed since the run was planned. Put it back, or begin a new run."
            )
        cut = [line[at : at + self.most] for line in words for at in range(0, len(line), self.most)]
        return Corpus(tuple(Document(" ".join(piece), (), None, ()) for piece in cut))


def plain_lines(path: Path, most: int | None = None) -> list[str]:
    """Return the lines of a text file that are not blank, up to so many characters or all.

    Raises:
        BothwaysError: the file is not there, is no UTF-8 text, or is empty.
    """
    found, size = list[str](), 0
    for _, line in read_lines(path):
        found += [line.strip()] if line.strip() else []
        size += len(line)
        if most is not None and size > most:
            break
    if not found:
        raise BothwaysError(f"{show_path(path)} holds no text. Write one general text a line.")
    return found
