import pytest
from tiny_encoder import make_encoder

from clinical_distilled.errors import InputError
from clinical_distilled.student import encoders


def test_the_default_encoder_comes_from_its_package():
    folder = encoders.encoder_folder(encoders.DEFAULT_ENCODER)
    assert (folder / "model.safetensors").exists()


def test_an_altered_default_encoder_is_refused(monkeypatch):
    monkeypatch.setattr(encoders, "_SHA256", "0" * 64)
    with pytest.raises(InputError, match="not the published file"):
        encoders.encoder_folder(encoders.DEFAULT_ENCODER)


@pytest.mark.parametrize("name", ["./nowhere", "/no/such/encoder", "~/nowhere", "a/b/c"])
def test_a_folder_that_is_not_there_is_named(name):
    with pytest.raises(InputError, match="no such folder"):
        encoders.encoder_folder(name)


def test_a_folder_without_an_encoder_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        encoders.load_encoder(str(tmp_path), 3)


def test_a_hub_name_without_network_is_an_error_and_does_not_hang(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match="hub did not give it"):
        encoders.encoder_folder("nobody/no-such-encoder")


def test_a_local_encoder_gets_a_head_for_the_tags(tmp_path):
    classifier, tokenizer = encoders.load_encoder(make_encoder(tmp_path), 7)
    assert classifier.config.num_labels == 7
    assert '"WordPiece"' in tokenizer
