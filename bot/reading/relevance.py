"""Whether a message is for us at all."""

import ast
import re
from collections.abc import Sequence
from typing import Literal

from bot.reading.lexing import parsed
from bot.reading.losses import loss_words
from bot.reading.question import ReportedError

_OTHER_FRAMEWORKS = frozenset((
    "tensorflow", "tf", "keras", "jax", "flax", "optax", "sklearn", "xgboost", "lightgbm", "mxnet", "paddle",
    "chainer",
))  # fmt: skip
_LOSS = re.compile(
    r"(?<![A-Za-z])loss(?:es)?(?![A-Za-z])|criterion|\breduction\b(?=.{0,30}\b(?:mean|sum|none)\b)|損失|ロス(?!ト|ア)|损失|손실|로스|p[ée]rdida|perte|verlust|"
    r"perda|потер(?:[ьиеюй]|я(?![лтв]))|функци\w+ потерь|(?<![а-я])лосс|लॉस|हानि|خسار[ةه]|الفقد",
    re.I,
)
_NOT_OURS = re.compile(
    r"\b(?:weight|hair|heat|packet|data|memory|hearing|job|blood|power|signal|water|stop|profit and|your|his|her|"
    r"their|tax|capital|fat|muscle|bone|tooth|vision|luggage|sleep)[ -]loss\b|"
    r"\b(?:daten|gewichts?|haar|seh|h[öo]r|geh[öo]r|w[äa]rme|blut|paket|vertrauens)verlust\w*|"
    r"loss of (?:data|power|signal|memory|life|a )|at a loss\b|sorry for|stop[- ]?loss|win[- /]loss|loss(?:less|y)\b|"
    r"p[ée]rdida de (?:peso|datos|tiempo|pelo)|perda de (?:peso|dados|tempo)|perte de (?:poids|temps|donn)|"
    r"потер\w+ (?:вес|данн|врем)\w*|体重|掉发",
    re.I,
)
_LEARNING = re.compile(
    r"\b(?:train\w*|model|epochs?|batch\w*|network|gradient|logits?|softmax|sigmoid|pytorch|torch|tensor|target|"
    r"labels?|class\w*|"
    r"neural|cnn|rnn|lstm|bert|gan|vae|backward|optimi[sz]er|nan|reduction|entrena\w*|modelo|red neuronal|"
    r"entra[îi]n\w*|mod[èe]le|"
    r"r[ée]seau|trainier\w*|modell|netz\w*|treina\w*|rede|обуч\w*|модел\w*|сет[ьи]|эпох\w*)\b|学習|モデル|訓練|"
    r"エポック|勾配|训练|模型|梯度|批|"
    r"クラス|分類|分类|클래스|분류|классификац|"
    r"학습|모델|에폭|훈련|मॉडल|ट्रेन|एपॉक|نموذج|تدريب|التدرج",
    re.I,
)
_PYTHON = re.compile(
    r"\b(?:python|pip|pandas|list|dict|string|function|class|loop|import|django|flask|numpy|script|error)\b|パイソン|"
    r"リスト|列表|函数",
    re.I,
)
_TORCH = re.compile(r"(?<![A-Za-z])(?:py)?torch(?![A-Za-z])|\btensors?\b|\bcuda\b|\bgpu\b", re.I)

_ARGUMENT = re.compile(
    r"(?<![A-Za-z_])(?:ignore_index|label_smoothing|pos_weight|zero_infinity|log_target|log_input|size_average|batchmean|"
    r"reduction\s*=)(?![A-Za-z_])"
)
_ERRORS = re.compile(
    r"\b(?:(?<!squared )(?<!absolute )(?<!mean )errors? (?:out|message|on|in|at)|"
    r"(?:an?|the|this|dtype|shape|type) error|exception|raises?|crash\w*|throws?|dies|fails? with|traceback|"
    r"fehlermeldung|erreur:|lanza|erro:)|エラー|报错|에러|오류|ошибк[уа]:|выда[её]т ошибк",
    re.I,
)
_COMPILED = re.compile(r"\.compile\([^)]{0,200}\bloss\s*=|\.fit\(")
"""How a model of Keras or scikit-learn is trained."""

_OF_NUMPY = re.compile(r"\b(?:np|numpy)\.(?:log\w*|exp|mean|average|square|maximum|abs)\(")
_TRAINING = re.compile(r"\.(?:compile|fit)\([^()\n]{0,300}(?:\([^()\n]{0,100}\)[^()\n]{0,100}){0,4}\)")
_LITERATURE = re.compile(
    r"\b(?:which|what|any|good|great|nice|best|recommend\w*|link to|wrote|introduced|invented|read)\b.{0,40}"
    r"\b(?:papers?|articles?|blogs?|posts?|books?|courses?|tutorials?|videos?|lectures?)\b|"
    r"おすすめの?(?:本|論文|記事|教材)|論文(?:は|を|って)|(?:哪篇|推荐).{0,10}(?:论文|文章|书|教程)|"
    r"\b(?:qu[ée]|cu[áa]l|alg[úu]n|quel|un bon|welches|gutes|qual|algum)\b.{0,30}"
    r"\b(?:art[íi]culo|paper|libro|article|livre|cours|tuto\w*|buch|artikel|artigo|livro|curso)\b|"
    r"(?:посоветуйте|какую|где почитать).{0,30}|논문|추천해",
    re.I,
)
_OF_TRAINING = re.compile(
    r"\btrain(?:ing)?[\s_-]+(?:and (?:val\w*|test) )?loss|(?:訓練|学習)の?(?:損失|ロス|loss)|"
    r"训练集?的?\s*(?:损失|loss)|"
    r"p[ée]rdida de entrenamiento|perte d'entra[îi]nement|trainings?-?(?:verlust|loss)|(?:perda|loss) de treino|"
    r"훈련\s*(?:손실|loss)|(?:потер|лосс)\w*\s+(?:на\s+)?обучени\w+|train loss",
    re.I,
)
_OF_VALIDATION = re.compile(
    r"\b(?:val(?:id(?:ation)?)?|test|eval\w*)[\s_-]+loss|検証(?:の)?(?:損失|ロス|loss)|验证(?:集)?(?:的)?\s*(?:损失|loss)|val_loss|"
    r"p[ée]rdida de validaci[óo]n|perte de validation|validierungs-?(?:verlust|loss)|(?:perda|loss) de valida[çc][ãa]o|"
    r"a de valida[çc][ãa]o|검증\s*(?:손실|loss)|валидаци\w+",
    re.I,
)
_THANKS = re.compile(
    r"\W*(?:(?:ok(?:ay)?|ah|oh|great|perfect|super|great)\W+)?(?:thanks?\b|thank you|thx\b|ty\b|"
    r"merci\b|danke|gracias|obrigad[oa]|"
    r"спасибо|ありがと|助かりました|谢谢|感谢|多谢|감사|고맙|धन्यवाद|शुक्रिया|شكرا)",
    re.I,
)
_ASKS = re.compile(r"[?？¿؟]|\b(?:why|how)\b|なぜ|どうして|为什么|왜|warum|pourquoi|por ?qu[ée]|почему|क्यों|لماذا", re.I)
_AMBIGUOUS = frozenset(
    (
        "ce",
        "l1",
        "kl",
        "mae",
        "ctc",
        "nll",
        "mse",
        "bce",
        "huber",
        "triplet",
        "focal",
        "dice score",
        "dice coefficient",
        "log loss",
    )
)
_MONEY = re.compile(
    r"\b(?:trad(?:e|es|ing)|stocks?|crypto|bitcoin|profits?|invest\w*|money|budget|insurance|revenue|match|game|"
    r"season|team)\b|[$€£]\s?\d|\d\s*(?:万|億|亿)?(?:円|元(?!素)|ドル|원|руб)|株(?:式|価|で)|投資|馬券|股票|炒股|基金|投资|주식|투자|"
    r"акци[йяи]|\b(?:bourse|aktien?|börse|bolsa|acciones|inversi[óo]n|investimento)\b",
    re.I,
)
_MISLAID = re.compile(
    r"\b(?:verloren|(?:i|we|he|she|they) lost|lost (?:my|our|his|her)|perd[íi] (?:mi|el|la|meu|minha)|j'ai perdu|"
    r"потерял\w*)\b|なくしました|失くし|弄丢|丢了|잃어버",
    re.I,
)
"""That something was lost."""

_OTHER_TOPIC = re.compile(
    r"checkpoint|state_dict|\b(?:sav(?:e|ing)|load(?:ing)?|install\w*|dataloader|num_workers|memory|faster|speed\w*|"
    r"slow(?:er|ly)?|gpus?|deploy\w*|onnx|sort(?:s|ed|ing)?|regex\w*|lent[aeo]?|langsam\w*|"
    r"tensorboard|wandb|matplotlib|plot\w*|curves?|kurven?|courbes?|curvas?|pip|conda|tutorial|course|job|release\w*|guardar|sauvegarder|speichern|salvar|"
    r"сохранить)\b|график|グラフ|曲线|그래프|保存|インストール|遅[いく]|速く|重い|저장|느[리려]|安装|很慢|太慢|медленн\w*",
    re.I,
)
_HOW_TO = re.compile(
    r"\bhow (?:do|can|could|should|would|does one)\b|\bhow to\b|\bway to\b|"
    r"\bwie (?:kann|soll|mache?|f[üu]ge|lade)\b|c[óo]mo (?:puedo|hago|se|a[ñn]ado|guardo)|"
    r"\bcomment (?:faire|puis-je|je|ajouter|sauvegarder)|\bcomo (?:eu|fa[çc]o|posso)|"
    r"\bкак (?:мне|сделать|можно|добавить|сохранить)|どうやって|(?:する)?方法|"
    r"どうすれば|怎么(?!会|回)|如何|어떻게|방법|कैसे",
    re.I,
)
_WHY = re.compile(
    r"\b(?:why|warum|wieso|pourquoi|por ?qu[eé]|perch[eé]|почему|wrong|falsch|incorrect\w*|"
    r"mean(?:s|ing)?|normal)\b|なぜ|どうして|为什么|为何|왜|क्यों|لماذا",
    re.I,
)
_AROUND = re.compile(
    r"early[- ]?stop\w*|callbacks?|scheduler|dashboard|アーリー\s*ストッピング|早停|조기 ?종료|parada temprana|"
    r"arr[êe]t (?:anticip|pr[ée]coce)|ранн\w+ остановк",
    re.I,
)
"""What is done around training, beside `_OTHER_TOPIC`."""

_TENSORS = re.compile(
    r"\btensors?\b|\btargets?\b|multi-target|grad_fn|require grad|torch\.|\blogits\b|LongTensor|scalar type|dtype|"
    r"inplace|backward|all elements of|Dimension out of range|nan values|requires_grad|cannot be multiplied|"
    r"invalid for input of size|m1: \[|batch_size|broadcast|for dimension \d|non-singleton|"
    r"device-side assert|n_classes|only for scalar outputs|through the graph|leaf Variable",
    re.I,
)

Reason = Literal["small-talk", "other-python", "other-framework", "no-loss"]


def compares_losses(prose: str) -> bool:
    """Whether it speaks of the losses of training and of validation: nobody else has those."""
    return bool(_OF_TRAINING.search(prose)) and bool(_OF_VALIDATION.search(prose))


def asks_of_no_value(prose: str) -> bool:
    """Words alone that thank, or look for something to read."""
    return bool(_LITERATURE.search(prose)) or (bool(_THANKS.match(prose)) and not _ASKS.search(prose))


def without_training(prose: str) -> str:
    """The prose without calls that train a model: the loss in them is what it is trained with, not what is asked."""
    return _TRAINING.sub(" ", prose)


def speaks_of_loss(prose: str) -> bool:
    """A loss in the sense of training, not of weight or luggage: the word beside a word of the trade."""
    words = _NOT_OURS.sub(" ", prose)
    return bool(_LOSS.search(words)) and bool(_LEARNING.search(words))


def mentions_loss(prose: str) -> bool:
    """The bare word, in any of ten languages, outside its everyday uses, without talk of money or of lost things."""
    everyday = _MONEY.search(prose) or _MISLAID.search(prose)
    return bool(_LOSS.search(_NOT_OURS.sub(" ", prose))) and not (everyday and not speaks_of_learning(prose))


def speaks_of_learning(prose: str) -> bool:
    """A word of the trade: training, logits, epochs."""
    return bool(_LEARNING.search(prose))


def could_mean_loss(prose: str) -> bool:
    """Beside code with a loss: whether the words are about it, or at least about nothing else."""
    return mentions_loss(prose) or not is_of_other_topic(prose)


def is_of_other_topic(prose: str) -> bool:
    """Whether it speaks of what surrounds training: plots, files, speed."""
    return bool(_OTHER_TOPIC.search(prose))


def asks_how_to(prose: str) -> bool:
    """Whether it asks how something around training is done, and not why a loss is what it is."""
    done = _AROUND.search(prose) or is_of_other_topic(prose)
    return bool(done) and bool(_HOW_TO.search(prose)) and not _WHY.search(prose)


def names_torch(prose: str) -> bool:
    """Torch by name, or what only torch people speak of."""
    return bool(_TORCH.search(prose))


def names_an_argument(prose: str) -> bool:
    """Whether it names an argument that only losses of torch have."""
    return bool(_ARGUMENT.search(prose))


def is_ambiguous(name: str) -> bool:
    """Whether a name of a loss means other things elsewhere: "500 BCE", "dice score"."""
    return name.lower().strip() in _AMBIGUOUS


def is_about_tensors(error: ReportedError) -> bool:
    """Whether an error message is of the kind that losses raise."""
    return bool(_TENSORS.search(error.message) or loss_words(error.message))


def other_framework(source: str) -> bool:
    """Whether the code imports or uses another framework and nothing of torch."""
    names = _roots(source)
    foreign = names & _OTHER_FRAMEWORKS or _COMPILED.search(source)
    return bool(foreign) and not names & {"torch", "nn", "F"}


def speaks_of_errors(prose: str) -> bool:
    """Whether the prose says that something stops with an exception."""
    return bool(_ERRORS.search(prose))


def uses_torch(source: str) -> bool:
    """Whether the code names torch, nn or F."""
    return bool(_roots(source) & {"torch", "nn", "F"})


def computes_with_numpy(source: str) -> bool:
    """Whether the code computes with numpy what losses are made of."""
    return bool(_OF_NUMPY.search(source))


def _roots(source: str) -> frozenset[str]:
    tree = parsed(source)
    if tree is None:
        return frozenset(re.findall(r"[A-Za-z_]\w*", source)) & {*_OTHER_FRAMEWORKS, "torch", "nn", "F"}
    names: list[str] = []
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name):
                names.append(name)
            case ast.Import(names=aliases):
                names += [alias.name.partition(".")[0] for alias in aliases]
            case ast.ImportFrom(module=str(module)):
                names.append(module.partition(".")[0])
            case _:
                pass
    return frozenset(names)


def reason(prose: str, sources: Sequence[str]) -> Reason:
    """Why a message without a question about a loss is not for us."""
    if any(other_framework(source) for source in sources):
        return "other-framework"
    if any(uses_torch(source) for source in sources) or _TORCH.search(prose):
        return "no-loss"
    return "other-python" if sources or _PYTHON.search(prose) else "small-talk"
