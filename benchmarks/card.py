"""Put scores into a weight file's header and write the model's card beside it.

    python benchmarks/card.py default scores.json

MODEL is a shipped name or a weight file; the scores come from accuracy.py and must be of these very weights.
"""

import json
import sys
from pathlib import Path

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.model.card import model_card
from napari_leukocyte.core.model.weights import model_path, read_info, replace_info
from report import markdown, weights_hash


def main(model: str, scores: Path) -> None:
    path = model_path(model)
    result = json.loads(scores.read_text(encoding="utf-8"))
    if result["weights_sha256"] != weights_hash(path):
        raise LeukocyteError(f"{scores} was measured with other weights than those in {path}: measure again.")
    if result["part"] != "test":
        raise LeukocyteError(f"{scores} was measured on the part {result['part']}: a card shows the test part.")
    replace_info(path, scores={key: value for key, value in result.items() if key != "weights_sha256"})
    out = path.with_suffix(".md")
    text = model_card(read_info(path), [("Held-out scores", markdown(result))])
    with atomic_path(out) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    print(out)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    try:
        main(sys.argv[1], Path(sys.argv[2]))
    except LeukocyteError as error:
        raise SystemExit(str(error)) from None
