"""What is for us and what is not, in several languages; short loss names mean other things elsewhere."""

import pytest

from bot.reading import File, NeedsInput, NotAQuestion, Question, TooLong, read

SMALL_TALK = [
    "good morning everyone!",
    "thanks, that worked",
    "sorry for your loss",
    "Ich habe gestern mein Portemonnaie verloren, der Verlust tut weh",
    "I lost my keys yesterday, such a loss",
    "any tips for weight loss?",
    "we had 3% packet loss last night",
    "what a loss in the final game",
    "that happened around 300 BCE",
    "does this charger have a CE mark?",
    "おはようございます！",
    "今日はいい天気ですね",
    "大家早上好",
    "¿alguien quiere jugar hoy?",
    "quelqu'un a vu le match hier ?",
    "wer kommt heute Abend mit?",
    "안녕하세요 반갑습니다",
    "bom dia pessoal",
    "всем привет",
    "आप कैसे हैं?",
    "this is it",
    "yes or no",
    ":)",
    "https://example.com/page",
    "my keras model.fit shows loss: 0.6931, how do I add early stopping?",
    "loss: 0.6931 after epoch 3, how do I save the best checkpoint?",
]
OTHER_PYTHON = [
    "how do I reverse a list in python?",
    "how do I sort a list of dicts by key `loss` in python?\n```python\nd=[{'loss':0.3},{'loss':0.1}]\n```",
    "```python\nfor i in range(3):\n    print(i)\n```\nwhy does it start at 0?",
    "```\nimport pandas as pd\ndf = pd.read_csv('a.csv')\ndf.groupby('x').mean()\n```\nKeyError: 'x'",
    "Pythonでリストを逆順にするには？",
    "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\nKeyError: 'name'\npython help",
]
OTHER_FRAMEWORKS = [
    "```python\nimport tensorflow as tf\nmodel = tf.keras.Sequential()\nmodel.compile(loss='mse')\n```\nloss goes up",
    "from sklearn.linear_model import LogisticRegression\nclf = LogisticRegression()\nclf.fit(X, y)\n\nloss?",
    "```\nimport jax.numpy as jnp\nimport optax\nloss = optax.l2_loss(a, b)\n```",
]  # fmt: skip
NO_LOSS = [
    "how do I install pytorch with cuda?",
    "```\nx = torch.ones(3)\nprint(x.shape)\n```\nwhat is a shape",
    "does torch use my gpu?",
]


@pytest.mark.parametrize("message", [*SMALL_TALK, *OTHER_PYTHON, *OTHER_FRAMEWORKS, *NO_LOSS])
def test_a_forum_stays_silent(message: str) -> None:
    assert isinstance(read(message, direct=False), NotAQuestion)


@pytest.mark.parametrize(
    ("messages", "reason"),
    [(SMALL_TALK, "small-talk"), (OTHER_PYTHON, "other-python"), (OTHER_FRAMEWORKS, "other-framework")],
)
def test_the_reason_is_given_also_when_asked_directly(messages: list[str], reason: str) -> None:
    readings = [read(message) for message in messages]
    assert [r.reason if isinstance(r, NotAQuestion) else r for r in readings] == [reason] * len(messages)


OF_NUMPY = "```\nimport numpy as np\np = np.array([0.9, 0.2])\nprint(-np.log(p).mean())\n```"


def test_a_program_of_numpy_alone_is_ours_when_asked_directly() -> None:
    assert isinstance(read(OF_NUMPY), Question)
    assert isinstance(read(OF_NUMPY, direct=False), NotAQuestion)
    assert isinstance(read(f"{OF_NUMPY}\nhow do I plot this with matplotlib?"), NotAQuestion)


@pytest.mark.parametrize("message", ["", " \n\t ", "\n\n"])
def test_nothing(message: str) -> None:
    assert read(message) == NotAQuestion("empty")


@pytest.mark.parametrize(
    "message",
    [
        "why is cross entropy of a perfect one-hot not 0?",
        "what is the minimum of CrossEntropyLoss with label smoothing?",
        "my training loss is stuck at 0.693, what does it mean?",
        "loss is nan after the first epoch",
        "NLLLoss gives me negative values, is this normal?",
        "クロスエントロピーの最小値は 0 ですか？",
        "学習の損失が nan になります",
        "BCEWithLogitsLoss 和 BCELoss 有什么区别？",
        "训练时损失一直是 2.3026，不下降",
        "¿Por qué mi pérdida de entrenamiento es negativa?",
        "La perte d'entraînement reste à 1.0986, pourquoi ?",
        "Mein Trainingsverlust ist nan, warum? Das Modell nutzt Kreuzentropie",
        "크로스 엔트로피 손실이 왜 음수인가요?",
        "A perda do treino é nan, por quê? uso entropia cruzada",
        "Почему кросс-энтропия не равна нулю при обучении?",
        "मेरे मॉडल का loss nan क्यों है?",
        "RuntimeError: 0D or 1D target tensor expected, multi-target not supported",
        "```\ncrit = nn.MSELoss()\ncrit(torch.ones(2), torch.ones(2, 1))\n```\nis that right?",
    ],
)
def test_questions_in_words_are_ours_also_in_a_forum(message: str) -> None:
    assert isinstance(read(message, direct=False), Question)


def test_a_bare_question_gets_one_question_back_only_when_asked_directly() -> None:
    assert read("why is my loss so high?") == NeedsInput(("code",), "code", "en")
    assert isinstance(read("why is my loss so high?", direct=False), NotAQuestion)


def test_logits_without_a_target() -> None:
    reading = read("what is the cross entropy of [3, 1, 2]?")
    assert isinstance(reading, NeedsInput)
    assert reading.what == "target"


def test_limits_are_named() -> None:
    assert read("é" * 20_000) == TooLong("message", 40_000, 32 * 1024)
    assert read("why?", (File("a.py", b"#" * 1_000_001),)) == TooLong("a.py", 1_000_001, 1_000_000)


@pytest.mark.parametrize(
    ("message", "language"),
    [
        ("why is the loss of my model not zero?", "en"),
        ("CrossEntropyLoss の値が 0 にならないのはなぜですか？", "ja"),
        ("为什么 nn.CrossEntropyLoss() 的损失不是 0？", "zh"),
        ("¿Por qué la pérdida de CrossEntropyLoss no es cero?", "es"),
        ("Pourquoi la perte de CrossEntropyLoss n'est-elle pas nulle ?", "fr"),
        ("Warum ist der Wert von CrossEntropyLoss nicht null?", "de"),
        ("CrossEntropyLoss 값이 왜 0이 아닌가요?", "ko"),
        ("Por que a perda de CrossEntropyLoss não é zero?", "pt"),
        ("Почему потери CrossEntropyLoss не равны нулю?", "ru"),
        ("CrossEntropyLoss का मान शून्य क्यों नहीं है?", "hi"),
    ],
)
def test_language(message: str, language: str) -> None:
    for text in (message, f"{message}\n```python\nx = torch.ones(1)  # only a comment\nF.mse_loss(x, x)\n```"):
        reading = read(text)
        assert isinstance(reading, Question)
        assert reading.language == language
