import itertools
import math
from collections import defaultdict

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from inkread.decoding import decoder
from inkread.decoding.constraints import DIGITS, Constraint
from inkread.errors import ConfigError, ModelError

SYMBOLS = "0123456789.,-/=?"
CLASSES = len(SYMBOLS) + 1


def normalized(logits: np.ndarray) -> np.ndarray:
    totals = np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return (logits - totals).astype(np.float32)


def spiked(frames: list[dict[str, float]]) -> np.ndarray:
    """Scores of a strip from each frame's probabilities; "" is the blank, and what is left."""
    probabilities = np.full((len(frames), CLASSES), 1e-9)
    for row, frame in zip(probabilities, frames, strict=True):
        for symbol, probability in frame.items():
            row[SYMBOLS.index(symbol) + 1 if symbol else 0] = probability
        row[0] += 1 - row.sum()
    return np.log(probabilities).astype(np.float32)


def written(string: str, probability: float = 0.99) -> np.ndarray:
    """Scores of a strip with a clear string: each symbol two frames wide, three apart."""
    frames = [{}]
    for symbol in string:
        frames += [{symbol: probability}, {symbol: probability}, {}]
    return spiked(frames)


def random_scores(seed: int, num_frames: int, sharpness: float, active: str) -> np.ndarray:
    """Scores in which only the blank and some symbols have any probability."""
    rng = np.random.default_rng(seed)
    logits = np.full((num_frames, CLASSES), -np.inf)
    columns = [0, *(SYMBOLS.index(symbol) + 1 for symbol in active)]
    logits[:, columns] = rng.normal(size=(num_frames, len(columns))) * sharpness
    return normalized(logits)


def digits_of(raw: str) -> str:
    return "".join(symbol for symbol in raw if symbol in DIGITS + "?")


def every_raw(scores: np.ndarray, active: str) -> dict[str, float]:
    """Probability of every raw string: the sum over all alignments, one by one."""
    probabilities = np.exp(scores.astype(np.float64))
    classes = [0, *(SYMBOLS.index(symbol) + 1 for symbol in active)]
    raws: dict[str, float] = defaultdict(float)
    for path in itertools.product(classes, repeat=len(scores)):
        raw = "".join(SYMBOLS[c - 1] for c, _ in itertools.groupby(path) if c)
        raws[raw] += math.prod(row[c] for row, c in zip(probabilities, path, strict=True))
    return raws


def every_text(raws: dict[str, float], constraint: Constraint | None = None) -> dict[str, float]:
    texts: dict[str, float] = defaultdict(float)
    for raw, probability in raws.items():
        text = digits_of(raw)
        tested = raw if constraint and constraint.names_separators else text
        if constraint is None or constraint.accepts(tested):
            texts[text] += probability
    return texts


def brute_posterior(text: str, place: int, texts: dict[str, float]) -> float:
    """Share of a text among those with any symbol, or none, in one place of it."""
    rivals = {text[:place] + symbol + text[place + 1 :] for symbol in DIGITS + "?"}
    total = sum(texts.get(rival, 0.0) for rival in rivals)
    return texts[text] / (total + texts.get(text[:place] + text[place + 1 :], 0.0))


def test_a_clear_number_is_read_with_its_separators():
    reading = decoder.decode_best(written("22.970.-"), SYMBOLS)
    assert (reading.text, reading.raw) == ("22970", "22.970.-")
    assert reading.spans == ((1, 3), (4, 6), (10, 12), (13, 15), (16, 18))
    assert math.exp(reading.log_probability) > 0.99
    assert all(confidence > 0.99 for confidence in reading.confidences)
    assert [int(np.argmax(chances)) for chances in reading.alternatives] == [2, 2, 9, 7, 0]


def test_a_separator_separates_equal_digits_as_a_blank_does():
    reading = decoder.decode_best(spiked([{"1": 0.9}, {"-": 0.9}, {"1": 0.9}]), SYMBOLS)
    assert (reading.text, reading.raw) == ("11", "1-1")
    assert math.exp(reading.log_probability) == pytest.approx(0.81, abs=1e-6)


def test_the_sum_over_alignments_beats_the_best_alignment():
    # Blank is best in each frame: 0.36; but 1 is 0.4 * 0.6 + 0.6 * 0.4 + 0.4 * 0.4 = 0.64.
    reading = decoder.decode_best(spiked([{"1": 0.4}, {"1": 0.4}]), SYMBOLS)
    assert reading.text == "1"
    assert math.exp(reading.log_probability) == pytest.approx(0.64, abs=1e-6)


def test_confidences_and_alternatives_are_those_worked_out_by_hand():
    # 1 or 7 in the first place; 2 or nothing in the second, in frames that don't touch.
    scores = spiked([{"1": 0.7, "7": 0.3 - 1e-7}, {}, {"2": 0.8}])
    reading = decoder.decode_best(scores, SYMBOLS)
    assert reading.text == "12"
    assert reading.confidences == pytest.approx((0.7, 0.8), abs=1e-4)
    assert reading.alternatives[0][1] == pytest.approx(0.7, abs=1e-4)
    assert reading.alternatives[0][7] == pytest.approx(0.3, abs=1e-4)
    assert reading.alternatives[1][2] == pytest.approx(1.0, abs=1e-4)


def test_what_is_no_digit_stands_as_a_question_mark():
    reading = decoder.decode_best(written("4?7", 0.8), SYMBOLS)
    assert (reading.text, reading.raw) == ("4?7", "4?7")
    assert reading.confidences[1] > 0.8
    assert sum(reading.alternatives[1]) == pytest.approx(1.0)


def test_spans_take_in_frames_that_probably_are_the_symbols():
    frames = [{}, {"5": 0.3}, {"5": 0.9}, {"5": 0.45}, {"5": 0.01}, {}, {"3": 0.9}, {}]
    reading = decoder.decode_best(spiked(frames), SYMBOLS)
    assert reading.text == "53"
    assert reading.spans == ((1, 4), (6, 7))


def test_the_order_of_the_symbols_does_not_matter():
    shuffled = "?/9876543210=.,-"
    scores = written("3.14")
    columns = [0, *(SYMBOLS.index(symbol) + 1 for symbol in shuffled)]
    reading = decoder.decode_best(scores[:, columns], shuffled)
    assert reading == decoder.decode_best(scores, SYMBOLS)


@pytest.mark.parametrize("num_frames", [0, 1, 7])
def test_blank_frames_are_an_empty_reading(num_frames):
    reading = decoder.decode_best(spiked([{}] * num_frames), SYMBOLS)
    share = reading.raw_share
    assert reading == decoder.Reading("", "", reading.log_probability, (), (), (), share)
    assert share == pytest.approx(1.0, abs=1e-6)
    assert math.exp(reading.log_probability) == pytest.approx(1.0, abs=1e-6)
    assert decoder.decode_candidates(spiked([{}] * num_frames), SYMBOLS)[0] == reading


def test_one_frame_holds_one_symbol():
    readings = decoder.decode_candidates(
        spiked([{"4": 0.6, "9": 0.3, ".": 0.05}]), SYMBOLS, count=3
    )
    assert [reading.text for reading in readings] == ["4", "9", ""]
    assert [math.exp(reading.log_probability) for reading in readings] == pytest.approx(
        [0.6, 0.3, 0.1], abs=1e-6
    )
    assert decoder.decode_candidates(spiked([{"4": 0.6}]), SYMBOLS, Constraint(length=2)) == ()


def test_a_length_that_was_not_seen_is_found_anyway():
    (reading,) = decoder.decode_candidates(written("12345"), SYMBOLS, Constraint(length=6), count=1)
    assert len(reading.text) == 6
    assert reading.log_probability < math.log(1e-5)
    (reading,) = decoder.decode_candidates(written("12345"), SYMBOLS, Constraint(length=4), count=1)
    assert len(reading.text) == 4
    assert set(reading.text) < set("12345")


def test_nothing_fits_into_too_few_frames():
    scores = written("11")  # 7 frames: no more than 4 equal digits, or 7 different ones
    assert decoder.decode_candidates(scores, SYMBOLS, Constraint(pattern="1{5}")) == ()
    assert decoder.decode_candidates(scores, SYMBOLS, Constraint(length=8)) == ()
    assert len(decoder.decode_candidates(scores, SYMBOLS, Constraint(pattern="1{4}"), count=1)) == 1
    assert len(decoder.decode_candidates(scores, SYMBOLS, Constraint(length=7), count=1)) == 1


def test_what_the_network_rules_out_is_next_to_impossible():
    scores = random_scores(0, 9, 1.0, "12")
    (reading,) = decoder.decode_candidates(scores, SYMBOLS, Constraint(pattern="3{3}"))
    assert reading.log_probability < -500
    assert decoder.decode_candidates(scores, SYMBOLS, Constraint(pattern="3{4}")) == ()


def test_a_constraint_has_no_question_mark():
    scores = written("4?7", 0.9)
    (reading,) = decoder.decode_candidates(scores, SYMBOLS, Constraint(length=3), count=1)
    assert reading.text.isdigit()
    assert reading.log_probability < math.log(0.1)


def test_a_check_digit_decides_between_two_digits():
    # 79927398713 is Wikipedia's example of Luhn's rule; the 1 looks rather like a 7.
    scores = written("7992739871", 0.95)
    last = spiked([{"8": 0.5, "3": 0.45}, {}])
    scores = np.concatenate([scores, last])
    assert decoder.decode_best(scores, SYMBOLS).text == "79927398718"
    (reading,) = decoder.decode_candidates(scores, SYMBOLS, Constraint(check="luhn"), count=1)
    assert reading.text == "79927398713"
    assert reading.alternatives[-1][3] == pytest.approx(0.45 / 0.95, abs=1e-3)


def test_a_pattern_that_names_separators_is_about_the_raw_string():
    scores = np.concatenate([written("12"), spiked([{".": 0.55, "4": 0.4}, {}]), written("50")])
    free = decoder.decode_candidates(scores, SYMBOLS, Constraint(pattern=r"\d{5}"), count=1)
    assert (free[0].text, free[0].raw) == ("12450", "12450")
    (reading,) = decoder.decode_candidates(
        scores, SYMBOLS, Constraint(pattern=r"\d+[.,]\d\d"), count=1
    )
    assert (reading.text, reading.raw) == ("1250", "12.50")
    assert math.exp(reading.log_probability) == pytest.approx(0.55, abs=0.01)
    assert reading.spans == decoder.decode_best(scores, SYMBOLS).spans


def test_texts_under_a_pattern_with_separators_sum_over_the_separators():
    # 4 with a . or a , beats 9, though 9 with its . is the most probable raw string.
    scores = spiked([{"4": 0.54, "9": 0.45}, {}, {".": 0.49, ",": 0.49}])
    readings = decoder.decode_candidates(scores, SYMBOLS, Constraint(pattern=r"4[.,]|9\."), count=2)
    assert [reading.text for reading in readings] == ["4", "9"]
    assert [math.exp(reading.log_probability) for reading in readings] == pytest.approx(
        [0.54 * 0.98, 0.45 * 0.49], abs=1e-3
    )


def test_a_function_as_check_is_asked_about_less_probable_texts():
    asked = []

    def palindrome(text: str) -> bool:
        asked.append(text)
        return text == text[::-1]

    scores = np.concatenate([written("12"), spiked([{"7": 0.8, "1": 0.15}, {}])])
    (reading,) = decoder.decode_candidates(scores, SYMBOLS, Constraint(check=palindrome), count=1)
    assert reading.text == "121"
    assert asked[0] == "127"
    never = Constraint(length=3, check=lambda _: False)
    assert decoder.decode_candidates(scores, SYMBOLS, never) == ()


def test_a_flat_strip_ends_in_time_with_some_reading():
    scores = normalized(np.zeros((300, CLASSES)))
    assert decoder.decode_best(scores, SYMBOLS).log_probability < -20
    (reading,) = decoder.decode_candidates(scores, SYMBOLS, Constraint(length=12), count=1)
    assert len(reading.text) == 12


SCORES = {
    "seed": st.integers(0, 2**32 - 1),
    "num_frames": st.integers(1, 5),
    "sharpness": st.sampled_from([0.5, 2.0, 5.0]),
}


@settings(max_examples=40, deadline=None)
@given(**SCORES)
def test_the_best_texts_are_those_of_all_alignments(seed, num_frames, sharpness):
    active = "12.-?"[: 6 - num_frames // 3]
    scores = random_scores(seed, num_frames, sharpness, active)
    texts = every_text(every_raw(scores, active))
    readings = decoder.decode_candidates(scores, SYMBOLS, count=4)
    expected = sorted(texts.values(), reverse=True)[:4]
    found = [math.exp(reading.log_probability) for reading in readings]
    assert found[: len(expected)] == pytest.approx(expected, abs=1e-6)
    for reading in readings[: len(expected)]:
        assert math.exp(reading.log_probability) == pytest.approx(texts[reading.text], abs=1e-6)
        assert digits_of(reading.raw) == reading.text
        for place, confidence in enumerate(reading.confidences):
            brute = brute_posterior(reading.text, place, texts)
            assert confidence == pytest.approx(brute, abs=1e-5)
            assert sum(reading.alternatives[place]) == pytest.approx(1.0)
        frames = [frame for span in reading.spans for frame in span]
        assert frames == sorted(frames)
        assert all(first < end for first, end in reading.spans)
    assert decoder.decode_best(scores, SYMBOLS) == readings[0]


CONSTRAINTS = [
    Constraint(length=2),
    Constraint(length=(1, 3), pattern="1*2"),
    Constraint(pattern=".2.*"),
    Constraint(pattern=r"\d+\.\d*"),
    Constraint(pattern=r"(1|2)[.-]?2", length=2),
    Constraint(pattern=r"[^.]*-.?"),
    Constraint(check="luhn"),
    Constraint(check="verhoeff", length=(2, 4)),
    Constraint(check="mod11"),
    Constraint(check="iban-digits", pattern=r"\d.*"),
    Constraint(check=lambda text: text.count("1") == 2),
    Constraint(check=lambda text: len(text) > 1, pattern=r".*\..*"),
]


@settings(max_examples=60, deadline=None)
@given(constraint=st.sampled_from(CONSTRAINTS), **SCORES)
def test_the_best_texts_under_a_constraint_are_found(constraint, seed, num_frames, sharpness):
    active = "12.-8"[: 6 - num_frames // 3]
    scores = random_scores(seed, num_frames, sharpness, active)
    texts = every_text(every_raw(scores, active), constraint)
    readings = decoder.decode_candidates(scores, SYMBOLS, constraint, count=3)
    possible = [reading for reading in readings if reading.text in texts]
    found = [math.exp(reading.log_probability) for reading in possible]
    expected = sorted(texts.values(), reverse=True)[:3]
    assert found == pytest.approx(expected[: len(found)], abs=1e-6)
    assert len(found) == len(expected)
    for reading in possible:
        assert math.exp(reading.log_probability) == pytest.approx(texts[reading.text], abs=1e-6)
        tested = reading.raw if constraint.names_separators else reading.text
        assert constraint.accepts(tested)
    if not callable(constraint.check):
        total = decoder.compute_log_probability(scores, SYMBOLS, constraint)
        assert math.exp(total) == pytest.approx(sum(texts.values()), abs=1e-6)


def test_probabilities_are_those_that_tensorflow_computes():
    rng = np.random.default_rng(5)
    scores = normalized(rng.normal(size=(30, CLASSES)) * 3 + 6 * (rng.random((30, CLASSES)) > 0.95))
    # No separators, so that raw strings and texts are the same.
    scores = normalized(np.where(np.isin(np.arange(CLASSES), range(11, 16)), -60.0, scores))
    readings = decoder.decode_candidates(scores, SYMBOLS, count=5)
    for reading in readings:
        loss = tf.nn.ctc_loss(
            tf.constant([[SYMBOLS.index(symbol) + 1 for symbol in reading.text]]),
            tf.constant(scores[:, None]),
            [len(reading.text)],
            [30],
            blank_index=0,
        )
        assert reading.log_probability == pytest.approx(-float(loss[0]), abs=1e-3)


def test_nothing_beats_the_best_text_on_peaked_scores():
    # An exhaustive search is out of reach here; what a wide beam of TensorFlow's finds is a rival,
    # and so is what was written.
    rng = np.random.default_rng(3)
    for _ in range(10):
        string = "".join(rng.choice(list(DIGITS), 8))
        logits = np.log(np.exp(written(string, 0.6)) + 0.1 * rng.random((25, CLASSES)) ** 4)
        logits[:, 11:16] = -60.0
        scores = normalized(logits)
        reading = decoder.decode_best(scores, SYMBOLS)
        # TensorFlow's beam search has its blank last.
        paths, logs = tf.nn.ctc_beam_search_decoder(
            np.roll(scores, -1, axis=1)[:, None], [25], beam_width=200, top_paths=1
        )
        rival = "".join(SYMBOLS[c] for c in paths[0].values.numpy())
        assert reading.log_probability >= float(logs[0, 0]) - 1e-3
        if rival != reading.text:
            assert reading.log_probability > _log_probability(scores, rival)
        assert reading.log_probability >= _log_probability(scores, string) - 1e-9


def _log_probability(scores: np.ndarray, text: str) -> float:
    return decoder.compute_log_probability(scores, SYMBOLS, Constraint(pattern=text))


def test_arrays_that_are_no_log_probabilities_are_refused():
    scores = written("12")
    broken = scores.copy()
    broken[3, 4] = np.nan
    with pytest.raises(ModelError, match="received NaN"):
        decoder.decode_best(broken, SYMBOLS)
    with pytest.raises(ModelError, match="add up to 1"):
        decoder.decode_best(np.exp(scores), SYMBOLS)
    with pytest.raises(ModelError, match="add up to 1"):
        decoder.decode_best(np.full_like(scores, -np.inf), SYMBOLS)
    with pytest.raises(ModelError, match="17 classes"):
        decoder.decode_best(scores, SYMBOLS[:-1])
    with pytest.raises(ModelError, match="different symbols"):
        decoder.decode_best(scores, SYMBOLS[:-1] + "0")
    with pytest.raises(ModelError, match="ten digits"):
        decoder.decode_best(scores, SYMBOLS.replace("7", ":"))
    with pytest.raises(ModelError, match="floating point"):
        decoder.decode_best(np.zeros((3, CLASSES), dtype=np.int64), SYMBOLS)
    with pytest.raises(ModelError, match=r"\(T, C\)"):
        decoder.decode_best(scores[None], SYMBOLS)


def test_a_separator_that_the_model_does_not_read_is_refused():
    with pytest.raises(ConfigError, match="which this model reads"):
        decoder.decode_candidates(written("12"), SYMBOLS, Constraint(pattern=r"\d:\d"))


def test_there_is_no_sum_over_what_a_function_accepts():
    with pytest.raises(ConfigError, match="without a function"):
        decoder.compute_log_probability(written("12"), SYMBOLS, Constraint(check=str.isdigit))
