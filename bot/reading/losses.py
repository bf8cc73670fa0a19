"""The names people have for losses, in ten languages and four frameworks → names in torch.nn.functional."""

import functools
import itertools
import re

from explainers.losses.registry import registry

MODULES = {
    "CrossEntropyLoss": "cross_entropy", "NLLLoss": "nll_loss", "NLLLoss2d": "nll_loss", "MSELoss": "mse_loss",
    "BCELoss": "binary_cross_entropy", "BCEWithLogitsLoss": "binary_cross_entropy_with_logits", "L1Loss": "l1_loss",
    "SmoothL1Loss": "smooth_l1_loss", "HuberLoss": "huber_loss", "KLDivLoss": "kl_div", "CTCLoss": "ctc_loss",
    "PoissonNLLLoss": "poisson_nll_loss", "GaussianNLLLoss": "gaussian_nll_loss",
    "HingeEmbeddingLoss": "hinge_embedding_loss", "CosineEmbeddingLoss": "cosine_embedding_loss",
    "MarginRankingLoss": "margin_ranking_loss", "MultiMarginLoss": "multi_margin_loss",
    "MultiLabelMarginLoss": "multilabel_margin_loss", "MultiLabelSoftMarginLoss": "multilabel_soft_margin_loss",
    "SoftMarginLoss": "soft_margin_loss", "TripletMarginLoss": "triplet_margin_loss",
    "TripletMarginWithDistanceLoss": "triplet_margin_with_distance_loss",
}  # fmt: skip
"""torch.nn class → function."""

HAND_WRITTEN = frozenset(
    (
        "focal_loss",
        "dice_loss",
        "info_nce",
        "entropy",
        "wasserstein",
        "elbo",
        "perplexity",
        "cosine_similarity",
        "policy_gradient",
        "running_loss",
        "hinge",
        "iou_loss",
    )
)
"""Losses that people write themselves, under the names that we have for them."""

_ENTROPY = (
    r"(?:cross[\s_-]*entropy|クロス\s*エントロピー|交差\s*エントロピー|交叉熵|entrop[íi]a\s+cruzada|"
    r"entropie\s+crois[ée]e|"
    r"kreuzentropie|교차\s*엔트로피|크로스\s*엔트로피|перекр[её]стн\w+\s+энтропи\w+|кросс[\s-]*энтропи\w+|"
    r"क्रॉस[\s-]*(?:एन्ट्रॉपी|एंट्रॉपी|एन्ट्रापी|एंट्रोपी)|(?:ال)?[إاأ]نتروبيا?\s+(?:ال)?متقاطعة?)"
)
_BINARY = r"(?:binary|二値|二元|二分类|binaria|binária|binaire|binäre?|이진|바이너리|бинарн\w+|बाइनरी|(?:ال)?ثنائية?)"
_LOGITS = r"[\s_-]*(?:loss)?[\s_-]*(?:with|from|avec|mit|con|com)[\s_-]*logits(?:[\s_-]*loss)?"
_APPLIED = r"(?=\s*(?:(?:loss|of|between|for|on|with\s+(?:logits?|scores?|target|label))(?![A-Za-z])|[\[(:]))"
"""What follows a name too short to stand alone (French "ce", an L1 penalty)."""
_PATTERNS: tuple[tuple[str, str], ...] = (
    (rf"{_BINARY}[\s_-]*{_ENTROPY}{_LOGITS}|{_ENTROPY}[\s_-]+{_BINARY}{_LOGITS}|(?<![A-Za-z])BCE{_LOGITS}|bcewl\b|"
     rf"pos_weight", "binary_cross_entropy_with_logits"),
    (r"sigmoid_(?:binary_)?cross_entropy(?:_with_logits)?|BinaryCrossEntropyWithLogits\w*|"
     r"BinaryCrossentropy\(\s*from_logits\s*=\s*True", "binary_cross_entropy_with_logits"),
    (rf"{_BINARY}[\s_-]*{_ENTROPY}|{_ENTROPY}[\s_-]+{_BINARY}|(?<![A-Za-z])BCE(?![A-KM-Za-km-z])(?:[\s_-]*loss)?|BinaryCrossEntropy\w*|"
     rf"log[\s_-]loss\b|logloss|логлосс\w*|logistic\s+loss|ロジスティック損失|逻辑(?:斯[谛蒂])?损失|로지스틱\s*손실|"
     rf"p[ée]rdida\s+log[íi]stica|perte\s+logistique|perda\s+log[íi]stica|logistische\w*\s+verlust\w*|"
     rf"логистическ\w+\s+(?:функци\w+\s+)?потер\w+", "binary_cross_entropy"),
    (r"(?<!\w)\w{1,40}For(?:CausalLM|MaskedLM|SequenceClassification|TokenClassification|ConditionalGeneration|QuestionAnswering)|\w{1,40}LMHeadModel|"
     r"(?<=[(\s,])labels\s*=\s*\w+[^()\n]{0,80}\)(?=[\s\S]{0,200}\.loss\b)|NllLoss\w*Backward\d*|(?:sparse_?)?categorical_?cross_?entropy|softmax_cross_entropy\w*|"
     r"CrossEntropy(?:Loss)?", "cross_entropy"),
    (rf"{_ENTROPY}|(?-i:(?<![A-Za-z])CE(?![A-Za-z]))|(?<![^\W_])ce{_APPLIED}", "cross_entropy"),
    (r"gaussian[\s_-]*(?:nll|negative[\s-]+log[\s-]*likelihood)(?:[\s_-]*loss)?|GaussianNLL\w*|"
     r"ガウス(?:分布の)?\s*(?:NLL|負の対数尤度)|高斯\s*(?:NLL|负对数似然)|가우[시스]안\s*NLL|гауссов\w*\s+NLL",
     "gaussian_nll_loss"),
    (r"poisson[\s_-]*(?:nll|negative[\s-]+log[\s-]*likelihood)?[\s_-]*(?:loss|verlust)|PoissonNLL\w*|"
     r"poisson[\s_-]*nll|ポアソン\s*(?:NLL|損失|負の対数尤度)|泊松\s*(?:NLL|损失|负对数似然)|푸아송\s*(?:NLL|손실)|"
     r"(?:p[ée]rdida|perte|perda)\s+(?:de\s+)?poisson|пуассонов\w*\s+(?:NLL|потер\w+)", "poisson_nll_loss"),
    (r"nll[\s_-]*loss|(?<![A-Za-z])NLL(?![A-Za-z])|negative[\s-]+log[\s-]*likelihood|負の対数尤度|"
     r"负对数似然|음의\s*로그\s*(?:우도|가능도)|log[\s-]*verosimilitud\s+negativa|log[\s-]*vraisemblance\s+n[ée]gative|"
     r"log[\s-]*verossimilhan[çc]a\s+negativa|отрицательн\w+\s+логарифм\w*\s+(?:функци\w+\s+)?правдоподоби\w+",
     "nll_loss"),
    (r"smooth[\s_-]*l1(?:[\s_-]*loss)?|SmoothL1\w*|平滑\s*L1(?:\s*(?:损失|損失))?|スムーズ\s*L1|"
     r"스무스\s*L1|сглаженн\w+\s+L1", "smooth_l1_loss"),
    (r"huber(?:[\s_-]*loss)?|フーバー|ヒューバー|胡[贝伯]尔|휴버|후버|х(?:ью|у)бер\w*|हूबर|ह्यूबर", "huber_loss"),
    (r"(?<![A-Za-z])mse(?:[\s_-]*loss)?(?![A-Za-z])|Mse\w*Backward\d*|(?<!root[\s_-])mean[\s_-]squared?[\s_-]error|"
     r"(?:平均)?[二2]乗(?:和)?誤差|(?<!根)均方(?:误差|损失)|(?<![A-Za-z])l2[\s_-]*loss|L2\s*(?:損失|损失|손실)|माध्य\s+वर्ग\s+त्रुटि|"
     r"(?<!جذر )متوسط\s+مربع(?:ات)?\s+(?:ال)?[أا]?خطا?[أا]?ء?|"
     r"error\s+cuadr[áa]tico\s+medio|erreur\s+quadratique\s+moyenne|mittlere\w*\s+quadratische\w*\s+(?:fehler|"
     r"abweichung)|"
     r"평균\s*제곱\s*오차|erro\s+quadr[áa]tico\s+m[ée]dio|"
     r"(?<!корень из )среднеквадратичн\w+\s+(?:ошибк|потер|функци|loss)\w*",
     "mse_loss"),
    (rf"l1[\s_-]*(?:loss|error|distance)|(?<![^\W_])l1{_APPLIED}|(?<![A-Za-z])MAE(?![A-Za-z])|mean[\s_-]absolute[\s_-]error|平均絶対誤差|"
     r"平均绝对误差|평균\s*절대\s*오차|error\s+absoluto\s+medio|erreur\s+absolue\s+moyenne|erro\s+absoluto\s+m[ée]dio|"
     r"mittlere\w*\s+absolute\w*\s+(?:fehler|abweichung)|средн\w+\s+абсолютн\w+\s+(?:ошибк|отклонени)\w*|"
     r"माध्य\s+निरपेक्ष\s+त्रुटि|متوسط\s+الخط[أا]\s+المطلق|L1\s*(?:損失|损失|손실)", "l1_loss"),
    (r"kl[\s_-]*div(?:ergence|ergenz|ergencia)?(?:[\s_-]*loss)?|KlDiv\w*|(?<![A-Za-z])KL(?![A-Za-z])|"
     r"kullback[\s-]leibler|KL\s*散度|KL\s*(?:ダイバージェンス|情報量)|KL\s*발산|"
     r"カルバック|쿨백|кульбак\w*|相对熵|相対エントロピー|relative\s+entropy|entrop(?:ía|ia)\s+relativa|entropie\s+relative|"
     r"relative\w*\s+entropie", "kl_div"),
    (r"(?-i:RNN-?T(?![A-Za-z])|RNN[ -]?Transducer|[Jj]oint(?:er)?Net(?![A-Za-z]))|(?:rnn-?t|transducer)[\s_-]*loss|"
     r"ctc[\s_-]*loss|(?-i:(?<![A-Za-z])CTC(?![A-Za-z]))", "ctc_loss"),
    (r"triplet(?:e[ns]?|t[ae]s?)?[\s_-]*(?:margin)?[\s_-]*(?:loss)?|トリプレット|三元组|트리플[렛릿]|삼중항|триплет\w*|ट्रिपलेट",
     "triplet_margin_loss"),
    (r"multi[\s_-]*label[\s_-]*soft[\s_-]*margin(?:[\s_-]*loss)?", "multilabel_soft_margin_loss"),
    (r"multi[\s_-]*label[\s_-]*margin(?:[\s_-]*loss)?", "multilabel_margin_loss"),
    (r"multi[\s_-]*margin(?:[\s_-]*loss)?", "multi_margin_loss"),
    (r"soft[\s_-]*margin(?:[\s_-]*loss)?", "soft_margin_loss"),
    (r"margin[\s_-]*ranking(?:[\s_-]*loss)?", "margin_ranking_loss"),
    (r"cosine[\s_-]*embedding(?:[\s_-]*loss)?|コサイン\s*埋め込み|余弦嵌入|코사인\s*임베딩", "cosine_embedding_loss"),
    (r"hinge[\s_-]*embedding(?:[\s_-]*loss)?|ヒンジ\s*埋め込み|힌지\s*임베딩", "hinge_embedding_loss"),
    (r"(?<![A-Za-z])(?:squared[\s_-]+)?hinge(?:[\s_-]*loss)?(?![\s_-]*embedding|[A-Za-z])|(?<![A-Za-z])SVM[\s_-]*loss|"
     r"ヒンジ(?:損失)?|(?:合页|铰链)损失|힌지(?:\s*손실)?|p[ée]rdida\s+(?:de\s+)?bisagra|"
     r"шарнирн\w+\s+потер\w+", "hinge"),
    (r"\(\s*1(?:\.0?)?\s*[-−]\s*\w+\s*\)\s*(?:\*\*|\^)\s*(?:(?:self\.)?gamma|γ)|focal(?:[\s_-]*loss)?(?![A-Za-z]+\s*length)|フォーカル|焦点损失|포컬|(?:p[ée]rdida|perda)\s+focal|"
     r"perte\s+focale|фокальн\w+\s+(?:функци\w+\s+)?потер\w+|फोकल", "focal_loss"),
    (r"(?-i:(?<![A-Za-z])Dice(?![A-Za-z]))(?!\s*(?:rolls?|game))|dice(?:[\s_-]*(?:loss|coefficient|score|verlust|損失|损失|손실|係数|系数))|SoftDice\w*|nn-?U-?Net|(?-i:(?<![A-Za-z])Task\d{2,3}_[A-Z]\w{1,40})|"
     r"ダイス(?:損失|係数)|다이스\s*(?:손실|계수)|"
     r"(?:p[ée]rdida|perte|perda|coefficient|coeficiente)\s+(?:de\s+)?dice|потер\w+\s+дайс\w*", "dice_loss"),
    (r"(?<![A-Za-z])(?:[gdce]-?iou(?:[\s_-]*loss)?|iou[\s_-]*(?:loss|損失|损失|손실))(?![A-Za-z])|1\s*[-−]\s*iou(?![A-Za-z])",
     "iou_loss"),
    (r"nt[\s_-]?xent|info[\s_-]?nce|(?-i:(?<![A-Za-z])(?:Open)?CLIP(?![A-Za-z_]))|(?-i:SimCLR|MoCo)(?![A-Za-z_])|"
     r"SupCon(?:Loss)?|contrastive\s+loss|対照損失|コントラスティブ|对比(?:学习)?损失|대조\s*손실|"
     r"p[ée]rdida\s+contrastiva|perte\s+contrastive|perda\s+contrastiva|контрастн\w+\s+(?:функци\w+\s+)?потер\w+",
     "info_nce"),
    (r"(?<![A-Za-z])(?:policy|action|actor|categorical|ppo|a2c|a3c|sac|reinforce)(?:'s)?[\s_-]+entropy"
     r"(?:[\s_-]*(?:loss|bonus|term))?|"
     r"entropy\s+(?:of\s+(?:the\s+|my\s+|a\s+)?(?:policy|actions?|actor|softmax|output|distribution|uniform)|"
     r"bonus|regulari\w+|coefficient)|(?<!cross[\s_-])(?<![a-z_])entropy[\s_]*loss\b|dist\w*\.entropy\(\)|"
     r"方策(?:の)?\s*エントロピー|策略(?:的)?熵|정책\s*엔트로피|"
     r"entrop[íi]a\s+de\s+la\s+pol[íi]tica|entropia\s+da\s+pol[íi]tica|"
     r"entropie\s+(?:de\s+la\s+politique|der\s+policy)|энтропи\w+\s+политики", "entropy"),
    (r"(?<![A-Za-z])w-?gan(?:-?gp)?(?![A-Za-z])|wasserstein(?:[\s_-]*(?:loss|distance|gan))?|ワッサースタイン|"
     r"вассерштейн\w*", "wasserstein"),
    (r"(?<![A-Za-z])(?:(?:β|beta)-?)?c?vae(?:[\s_-]*loss)?(?![A-Za-z])|(?<![A-Za-z])elbo(?![A-Za-z])|"
     r"(?<![A-Za-z])kld(?![A-Za-z])|variational[\s-]+auto-?encoder\w*|変分(?:自己符号化器|オートエンコーダ|下界)|"
     r"变分(?:自)?编码器|变分下界|변분\s*오토인코더|auto-?(?:en)?cod\w+\s+variac?ti?onn?\w*|"
     r"reconstruction\s+(?:loss|error|term)(?=[^\n]{0,80}\bKL)|(?<=KL\s)loss(?=[^\n]{0,80}\breconstruction)|"
     r"вариационн\w+\s+автоэнкодер\w*|posterior\s+collapse|[後后]验坍塌", "elbo"),
    (r"perplexit\w+|(?<![A-Za-z])ppl(?![A-Za-z])|困惑度|パープレキシティ|perplejidad|perplexidade|перплекси\w+|"
     r"퍼플렉시티", "perplexity"),
    (r"(?:neg(?:ative|\.)?\s+)?cosine[\s_]*(?:similarity|sim)(?:[\s_-]*loss)?|"
     r"(?<![A-Za-z])(?:simsiam|byol)(?![A-Za-z])|コサイン類似度|余弦相似度|코사인\s*유사도|"
     r"similitud\s+(?:del\s+)?coseno|similarit[ée]\s+cosinus|kosinus-?[äa]hnlichkeit|"
     r"similaridade\s+(?:do\s+)?cosseno|косинусн\w+\s+(?:сходств|близост)\w+", "cosine_similarity"),
    (r"policy[\s_-]*gradient\w*|(?<![A-Za-z])reinforce(?![A-Za-z])|(?:policy|actor|surrogate|ppo|a2c)[\s_-]+loss|方策勾配|策略梯度|정책\s*경사|"
     r"-\s*\(?log_prob\w*\s*\*", "policy_gradient"),
    (r"\+=\s*(?:\w*_)?loss(?!\w|\.\w)|append\(\s*(?:\w*_)?loss\s*\)", "running_loss"),
)  # fmt: skip
_LOSS = re.compile("|".join(f"(?P<g{i}>{pattern})" for i, (pattern, _) in enumerate(_PATTERNS)), re.I)


_SMOOTHING = re.compile(
    r"label[\s_-]*smoothing|ラベル\s*(?:スムージング|平滑化)|标签平滑|라벨\s*스무딩|레이블\s*스무딩", re.I
)
_MEASURES = re.compile(
    r"(?<![A-Za-z])(?:accurac(?:y|ies)|acc|f1|precision|recall|auc|iou|m?ap|r2|rmse|rmsle|mape|perplexity|bleu|"
    r"root[\s_-]mean[\s_-]squared?\w*|hinge|wasserstein|tversky|charbonnier|brier|log[\s_-]?cosh|quantile|pinball|"
    r"l2|arcface|jaccard|lov[áa]sz|cosine|js[\s_-]div\w*)(?![A-Za-z])|正解率|精度|適合率|再現率|准确率|정확도|"
    r"平方根誤差|ヒンジ|"
    r"(?<![A-Za-z_])(?!(?:train|val|valid|test|eval|total|my|batch|epoch)\w{0,40}_loss)[A-Za-z]\w{0,40}_loss(?![A-Za-z])|"
    r"(?-i:(?<![A-Za-z])[A-Z][A-Za-z]{1,40}Loss(?![A-Za-z]))",
    re.I,
)


_REACH = 40
_CHANGED = re.compile(
    r"\b(?:from|chang\w+|switch\w+|replac\w+|swapp\w+|moved|went|wechsel\w*|gewechselt|ersetz\w*|ge[äa]ndert|von|"
    r"cambi\w+|reempla\w+|pas[ée]\w*|remplac\w+|chang[ée]\w*|troqu\w+|mudei|substitu\w+|замени\w+|"
    r"переш\w+|сменил\w*)\b|损失|把|将|损失函数|損失|を|손실",
    re.I,
)
_INTO = re.compile(
    r"(?:\s*loss)?[\s`'\"()]*(?:(?:to|with|by|into|for|zu|auf|durch|nach|mit|a|por|à|par|vers|para|на)\b|->|→|=>|"
    r"换成了?|改成了?|改为|替换为|から|を|에서|를|을)[\s`'\"()]*(?:the\s|torch\.nn\.|nn\.|F\.|torch\.nn\.functional\.)?",
    re.I,
)
"""Between the name of a loss and that of the one in its place, behind a word of change."""


def functions() -> frozenset[str]:
    """The losses of torch.nn.functional."""
    return frozenset(MODULES.values())


@functools.cache
def beside_losses() -> frozenset[str]:
    """The functions next to the losses that the registry derives too: softmax, cosine_similarity, …"""
    return frozenset(loss.name for loss in registry().losses.values() if not loss.is_loss)


@functools.lru_cache(maxsize=8)
def loss_mentions(prose: str) -> tuple[tuple[int, int, str], ...]:
    """(start, end, function) of every loss that the prose names; label smoothing alone is cross_entropy's."""
    found: list[tuple[int, int, str]] = []
    for match in _LOSS.finditer(prose):
        index = int((match.lastgroup or "g0")[1:])
        found.append((match.start(), match.end(), _PATTERNS[index][1]))
    if not found and (smoothing := _SMOOTHING.search(prose)):
        return ((smoothing.start(), smoothing.end(), "cross_entropy"),)
    return tuple(found)


def loss_words(prose: str) -> tuple[str, ...]:
    """Functions named in the prose, each once, in order of mention; one that another was changed to comes first."""
    mentions = loss_mentions(prose)
    now = _changed_to(prose, mentions)
    first = (now,) if now is not None else ()
    return tuple(dict.fromkeys((*first, *(function for _, _, function in mentions))))


def changed_to(prose: str) -> str | None:
    """The loss that the asker uses now in place of another: "I switched from MSE to L1"; None where none is said."""
    return _changed_to(prose, loss_mentions(prose))


def _changed_to(prose: str, mentions: tuple[tuple[int, int, str], ...]) -> str | None:
    for (start, end, before), (next_, _, after) in itertools.pairwise(mentions):
        told = _CHANGED.search(prose, max(0, start - _REACH), start)
        if before != after and told and _INTO.fullmatch(prose, end, next_):
            return after
    return None


def names_other_measure(prose: str) -> bool:
    """Whether the prose names a measure that is none of ours (accuracy, RMSE, a hinge): numbers may be meant for it."""
    return bool(_MEASURES.search(prose))
