import pytest
import spacy

from clinical_distilled.corpora.docs import write_docs
from clinical_distilled.errors import InputError
from clinical_distilled.student.schedule import steps_between_scores


@pytest.mark.parametrize(
    ("notes", "batch_size", "epochs", "scores"), [(60, 8, 1, 6), (191, 8, 5, 5), (3, 8, 1, 6), (1, 1, 40, 3)]
)
def test_last_score_is_within_a_few_steps_of_the_end(tmp_path, notes, batch_size, epochs, scores):
    nlp = spacy.blank("en")
    write_docs([nlp.make_doc("Fever.") for _ in range(notes)], tmp_path / "train.spacy")
    steps = epochs * -(-notes // batch_size)

    every = steps_between_scores(str(tmp_path / "train.spacy"), batch_size, epochs, scores)

    scored = [step for step in range(steps) if step % every == 0]
    assert steps - 1 - scored[-1] <= scores
    assert len(scored) <= scores + 1 or every == 1


def test_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"train\.spacy: no such file"):
        steps_between_scores(str(tmp_path / "train.spacy"), 8, 5, 5)
