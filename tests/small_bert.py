"""A small untrained BERT with a tokenizer, and toy texts that it can learn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

# Topic words of each toy segment. The filling words are common to all.
TOPICS = {
    0: ("скидка", "цена", "акция", "рублей"),
    4: ("доставка", "курьер", "закажи", "привезём"),
    7: ("карта", "баллы", "кешбэк", "бонусы"),
    18: ("кредит", "ставка", "вклад", "процентов"),
}
FILLING = ("в", "на", "только", "сегодня", "приходите", "к", "нам", "лучшее", "для", "вас", "и")


@dataclass(frozen=True)
class Toy:
    texts: list[str]
    segments: list[int]
    families: list[int]


def toy(count: int, seed: int, common: float = 0.55) -> Toy:
    """Make texts of six filling words and two topic words.

    Args:
        count: Number of texts.
        seed: Seed of the random generator.
        common: Share of segment 0, the most frequent one, as in the market.
    """
    random = np.random.default_rng(seed)
    rest = (1 - common) / 3
    segments = random.choice(list(TOPICS), count, p=(common, rest, rest, rest)).tolist()
    texts = []
    for segment in segments:
        words = [*random.choice(FILLING, 6), *random.choice(TOPICS[segment], 2)]
        texts.append(" ".join(random.permutation(words)))
    return Toy(texts, segments, list(range(count)))


def save_encoder(folder: Path) -> None:
    """Write an untrained encoder with one small layer in the format of the Hugging Face Hub."""
    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    wordpiece = BertWordPieceTokenizer(lowercase=True, strip_accents=False)
    wordpiece.train_from_iterator(toy(400, seed=9).texts, vocab_size=300, show_progress=False)
    PreTrainedTokenizerFast(
        tokenizer_object=wordpiece._tokenizer, model_max_length=64, unk_token="[UNK]",
        sep_token="[SEP]", pad_token="[PAD]", cls_token="[CLS]", mask_token="[MASK]",
    ).save_pretrained(folder)  # fmt: skip
    torch.manual_seed(0)
    BertModel(
        BertConfig(
            vocab_size=wordpiece.get_vocab_size(), hidden_size=32, num_hidden_layers=1,
            num_attention_heads=2, intermediate_size=64, max_position_embeddings=64,
        )
    ).save_pretrained(folder)  # fmt: skip
