"""Join keys become keyed pseudonyms before anything is computed from them.

A pseudonym is an HMAC-SHA-256 under the office's secret key, separated by the kind of thing it names, so the same
enterprise has one pseudonym in every table, and a person and an enterprise never share one. A plain hash would not
do: all resident ids there can be are hashed in seconds. The vault keeps which pseudonym stands for which value; it
is read only to show a clue, and never by a feature.
"""

from __future__ import annotations

import base64
import hmac
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from jcml.durable import sweep, undamaged, write_secret
from jcml.errors import ConfigurationError, InputMissing, NotPermitted, Place

if TYPE_CHECKING:
    import pyarrow as pa

_LENGTH = 9  # 72 bits: 12 characters, which DuckDB keeps inside the value; one collision expected at 10^10 entities


class Pseudonyms:
    """Makes pseudonyms under one key.

    Parameters
    ----------
    key : bytes
        At least 32 bytes.

    Examples
    --------
    >>> Pseudonyms(bytes(32)).of("station", "S-007") == Pseudonyms(bytes(32)).of("station", "S-007")
    True
    >>> Pseudonyms(bytes(32)).of("station", "S-007") == Pseudonyms(bytes(32)).of("person", "S-007")
    False
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise ValueError("a pseudonym key has at least 32 bytes")
        self._key = key

    def of(self, entity: str, value: str) -> str:
        """The pseudonym of a value: 12 letters and digits."""
        made = hmac.digest(self._key, f"{entity}\x00{value}".encode(), "sha256")[:_LENGTH]
        # "-" and "_" would read as options and gaps; a letter in their place costs a fraction of a bit
        return base64.b64encode(made, altchars=b"Zz").decode()

    def digest(self, text: str) -> str:
        """A keyed digest of a row's content, 32 hex digits: shows a change, gives nothing away."""
        return hmac.digest(self._key, b"row\x00" + text.encode(), "sha256")[:16].hex()


def read_key(path: Path) -> bytes:
    """The secret key of an office, made on first use and readable by its owner alone.

    Raises
    ------
    NotPermitted
        JC2001, if others may read the file.
    ConfigurationError
        JC2002, if it is not a key.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "pseudonym.key"
    >>> read_key(file) == read_key(file)
    True
    """
    try:
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise NotPermitted("JC2001", Place(path))
        key = bytes.fromhex(path.read_text().strip())
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_suffix(f".{os.getpid()}.new")
        made.touch(mode=0o600)
        made.write_text(secrets.token_hex(32) + "\n")
        try:
            os.link(made, path)  # only one of several first runs may win
        except FileExistsError:
            pass
        finally:
            made.unlink()
        return read_key(path)
    except ValueError:
        raise ConfigurationError("JC2002", Place(path)) from None
    except OSError as error:
        raise InputMissing("JC1111", Place(path), problem=error.strerror or str(error)) from None
    if len(key) < 32:
        raise ConfigurationError("JC2002", Place(path))
    return key


class Vault:
    """Which pseudonym stands for which value: one folder per kind of thing, one file per batch.

    >>> import tempfile
    >>> vault = Vault(Path(tempfile.mkdtemp()))
    >>> vault.add("station", "b1", {"abc": "S-007"})
    >>> vault.reveal("station", ["abc", "nobody"])
    {'abc': 'S-007'}
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, entity: str, batch: str, pairs: Mapping[str, str]) -> None:
        """Keep the pairs of one batch."""
        if pairs:
            self.keep(entity, batch, lambda part: write_pairs(pairs, part))

    def keep(self, entity: str, batch: str, write: Callable[[Path], object]) -> None:
        """Keep the pairs of one batch, a Parquet file with the columns `pseudonym` and `value` that `write` makes."""
        folder = self.folder / entity
        folder.mkdir(parents=True, exist_ok=True)
        for made in (self.folder, folder):
            made.chmod(0o700)
        sweep(folder)
        write_secret(folder / f"{batch}.parquet", write)

    def fits(self, pseudonyms: Pseudonyms) -> bool:
        """Whether what is kept here was made under this key; true when nothing is kept."""
        import pyarrow.parquet as pq

        for file in self.folder.glob("*/*.parquet"):
            with undamaged(file):
                pair = next(pq.ParquetFile(file).iter_batches(1)).to_pylist()[0]
                return bool(pseudonyms.of(file.parent.name, pair["value"]) == pair["pseudonym"])
        return True

    def reveal(self, entity: str, pseudonyms: Iterable[str]) -> dict[str, str]:
        """The values behind pseudonyms; those that are not in the vault are left out."""
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        wanted = set(pseudonyms)
        found: dict[str, str] = {}
        for file in sorted((self.folder / entity).glob("*.parquet")):
            if not wanted - set(found):
                break
            with undamaged(file):
                table: pa.Table = pq.read_table(file)
                hits = table.filter(pc.is_in(table["pseudonym"], _set(wanted)))
            found.update(zip(hits["pseudonym"].to_pylist(), hits["value"].to_pylist(), strict=True))
        return found


def write_pairs(pairs: Mapping[str, str], path: Path) -> None:
    """Write pairs of pseudonym and value to a Parquet file.

    >>> import tempfile
    >>> import pyarrow.parquet as pq
    >>> file = Path(tempfile.mkdtemp()) / "b1.parquet"
    >>> write_pairs({"abc": "S-007"}, file)
    >>> pq.read_table(file).to_pylist()
    [{'pseudonym': 'abc', 'value': 'S-007'}]
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"pseudonym": list(pairs), "value": list(pairs.values())}), path, compression="zstd")


def _set(values: Iterable[str]) -> pa.Array:
    import pyarrow as pa

    return pa.array(sorted(values))


def remembering(pseudonyms: Pseudonyms, entity: str, pairs: dict[str, str]) -> Callable[[str], str]:
    """A function from values of one kind to pseudonyms that remembers what it made, in `pairs`.

    >>> pairs = {}
    >>> name = remembering(Pseudonyms(bytes(32)), "station", pairs)("S-007")
    >>> pairs[name]
    'S-007'
    """
    known: dict[str, str] = {}

    def make(value: str) -> str:
        found = known.get(value)
        if found is None:
            found = known[value] = pseudonyms.of(entity, value)
            pairs[found] = value
        return found

    return make
