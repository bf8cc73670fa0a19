"""Concepts of the trade and how people write them in ten languages, as alternatives of a regular expression."""

LN_CLASSES = "ln-classes"
"""The logarithm of a number of classes: also where the number itself is given and not the word for it."""

CONCEPTS: tuple[tuple[str, str], ...] = (
    ("log_softmax", r"log[\s_-]?softmax"),
    ("softmax", r"softmax(?:ed)?|ソフトマックス|소프트맥스|софтмакс\w*|सॉफ्टमैक्स"),
    ("logsigmoid", r"log[\s_-]?sigmoid"),
    ("sigmoid", r"sigmoids?|シグモイド|시그모이드|сигмоид\w*|सिग्मॉइड"),
    ("relu", r"relu"),
    ("logits", r"logits?|raw (?:scores?|outputs?)|ロジット|로짓|логит\w*|लॉजिट"),
    ("log_probabilities", r"log[\s-]?prob\w*|対数確率|对数概率|로그 ?확률"),
    ("probability", r"probab\w*|probs?|確率|概率|확률|вероятност\w*|wahrscheinlich\w*|प्रायिकता"),
    ("one-hot", r"one[\s-]?hot|perfect prediction|ワンホット|独热|원-?핫"),
    (
        "negative",
        r"negativ\w*|< ?0(?![.\d])|(?:below|less than) (?:zero|0)(?![.,]\d)|マイナス|負(?!の対数)|负(?!对数)|음수|"
        r"마이너스|отрицательн\w*|ऋणात्मक|नेगेटिव|नकारात्मक",
    ),
    ("nan", r"nans?"),
    ("infinite", r"inf(?:inity|inite)?|無限大|无穷|무한대|infini(?:to|ta|t|e)?|unendlich|бесконечн\w*|अनंत"),
    ("zero", r"zeros?|(?<![\d.])0(?:\.0+)?(?![\d.])|ゼロ|零|cero|z[ée]ro|null|нол\w*|нул\w*|शून्य"),
    (
        "minimum",
        r"min(?:imum|imal|ima)?|lowest|smallest|least|floor|lower bound|best possible|how low|"
        r"最小値?|下限|最低|m[íi]nim[oa]|plancher|kleinst\w*|최소\w*|최솟값|하한|миним\w*|न्यूनतम",
    ),
    ("maximum", r"max(?:imum|imal)?|largest|highest|upper bound|最大値?|上限|최대"),
    (
        "stuck",
        r"stuck|stays?|stayed|remains?|plateau\w*|constant\w*|"
        r"(?:not|n't|never|won't) (?:chang|decreas|improv|mov|learn|converg|train)\w*|"
        r"always the same|same (?:value|loss)|変わら\w*|動[かき]\w*|下がら\w*|減ら\w*|一定|不变|"
        r"不下降|降不|停在|卡在|停滞|멈\w*|그대로(?=이|입|예|네|에요|인|\s*있)|안 ?(?:변|줄|내려)\w*|"
        r"no (?:baja|cambia|disminuye)|estancad\w*|atascad\w*|n'appren\w+ (?:plus|rien|pas)|"
        r"no aprende|lernt nicht|n[ãa]o aprende|ne (?:baisse|change|diminue)|"
        r"bloqu[ée]\w*|stagn\w*|h[äa]ngt|bleibt|sinkt nicht|n[ãa]o (?:muda|cai|diminui)|travad\w*|"
        r"застр\w*|не меня\w*|не (?:пада|уменьша|снижа)\w*|अटक\w*|नहीं बदल",
    ),
    (
        "twice",
        r"twice|double[ds]?|two times|already (?:applie[sd]|has)|2回|二重|両方|两次|重复|두 ?번|"
        r"이중|dos veces|doble|deux fois|zweimal|doppelt\w*|duas vezes|дважды|двойн\w*|दो बार",
    ),
    ("batchmean", r"batchmean"),
    (
        "mean",
        r"(?<!does that )(?<!does it )(?<!does this )(?<!that )(?<!this )means?(?! that)|averag\w+|"
        r"平均|均值|평균|promedi\w*|moyenn\w*|mittel\w*|durchschnitt\w*|m[ée]dia|"
        r"средн\w*|औसत",
    ),
    (
        "sum",
        r"sums?|summed|summing|totals?|合計|総和|求和|总和|합계?|suma\w*|somm\w*|summ\w*|soma\w*|"
        r"сумм\w*|योग",
    ),
    ("reduction", r"reduc\w+|size_average|reduce|リダクション"),
    ("pos_weight", r"pos_weights?|positive weight"),
    (
        "weight",
        r"weight(?:s|ed|ing)?|重み|权重|加权|가중치?|pesos?|ponderad\w*|poids|pond[ée]r\w*|"
        r"gewicht\w*|веса?\w{0,2}|взвешенн\w*|भार",
    ),
    (
        "imbalance",
        r"(?:im|un)balanc\w*|minority|rare class\w*|不均衡|不?平衡|불균형|d[ée]s[ée]quilibr\w*|"
        r"desbalance\w*|unausgewogen\w*|дисбаланс\w*|असंतुल\w*",
    ),
    (
        "single",
        r"batch[\s_-]?size ?(?:=|of|is)? ?1(?!\d)|배치 ?크기(?:가|는|이)? ?1(?!\d)|バッチサイズ(?:が|は|を)? ?1(?!\d)|"
        r"批(?:次|量)?大小(?:为|是)? ?1(?!\d)|размер\w* (?:батча|пакета) ?(?:=|равен)? ?1(?!\d)|"
        r"(?:tama[ñn]o|taille|tamanho) (?:de|du) (?:lote|lot|batch) ?(?:de|=)? ?1(?!\d)|single|only one|"
        r"one (?:sample|element|output|unit|logit|neuron|class)|"
        r"一つだけ|1つ|只有一个|单个|하나|un solo|un seul|nur ein\w*|одн\w{1,3}|एक ही",
    ),
    (
        "shift",
        r"shift\w*|(?:add(?:ed|ing|s)?|plus) (?:a |the same |any )?(?:constant|number|\d+)|constant added|"
        r"прибав\w*|добав\w* (?:констант|числ|\d)\w*|(?:定数|\d+)を?足\w*|加上|都加|더하\w*|"
        r"sum(?:ar|o|amos|a) (?:una constante|\d+)|ajout\w+ (?:une constante|\d+)|addier\w*|"
        r"som(?:ar|o|amos) (?:uma constante|\d+)",
    ),
    (
        "no-effect",
        r"no effect|no matter what|(?:same|identical)(?= (?:with|(?:as|to) (?:the )?(?:without|un\w|no)))|то же самое|"
        r"не влия\w+|没有?(?:作用|效果|影响)|効果がない|변화가 ?없\w*|효과가 ?없\w*|"
        r"sin efecto|sans effet|keine wirkung|"
        r"dasselbe|sem efeito|lo mismo|la m[êe]me chose|o mesmo",
    ),
    ("batch", r"batch(?:es)?|バッチ|批次?|배치|lotes?|lots?|пакет\w*|батч\w*|बैच"),
    ("ignore", r"ignor\w+|ignore_index|skip(?:ped|ping)?|[-−]100|無視|忽略|무시\w*|игнор\w*|अनदेखा"),
    (
        "learning-rate",
        r"learning[\s_-]?rates?|lr|学習率|学习率|학습률|tasa de aprendizaje|taux d'apprentissage|lernrate|"
        r"taxa de aprendizado|скорост\w* обучения",
    ),
    ("perplexity", r"perplexit\w*|ppl|困惑度|パープレキシティ|perplejidad|perplexité|perplexit[äa]t"),
    (
        "memory",
        r"memory|ram|oom|メモリ|内存|显存|메모리|memoria|m[ée]moire|speicher\w*|mem[óo]ria|памят\w*|मेमोरी",
    ),
    ("mask", r"mask(?:ed|ing|s)?|マスク|掩码|마스크|masqu\w*|маск\w*|मास्क"),
    ("padding", r"pad(?:ding|ded|s)?|<pad>|パディング|填充|补齐|패딩|rembourr\w*|relleno|паддинг\w*|पैडिंग"),
    ("all", r"all|every|全部|すべて|全て|所有|모두|모든|todos?|todas?|tous|toutes|alle\w?|всех?|सभी"),
    (
        "none",
        r"empty|nothing left|no (?:valid|positives?|samples?|targets?|elements?)|空|没有|없\w*|"
        r"vac[íi]\w*|vide|leer\w*|пуст\w*|खाली",
    ),
    (
        "index",
        r"ind(?:ex|exes|ices)|クラス番号|インデックス|索引|下标|인덱스|[íi]ndices?|индекс\w*|"
        r"इंडेक्स",
    ),
    (
        "range",
        r"out of (?:bounds|range)|outside|range|範囲外?|越界|范围|범위|fuera de rango|hors limites|"
        r"диапазон\w*",
    ),
    ("one-based", r"1[\s-]based|from 1 to|starts? (?:at|from) 1|1 ?から|从 ?1 ?开始|1부터"),
    (
        "dtype",
        r"dtypes?|long(?:tensor)?|float(?:tensor)?|double(?:tensor)?|int(?:64|32|eger)?s?|"
        r"scalar type|型|类型|타입|tipo|тип\w*|प्रकार",
    ),
    (
        "half",
        r"float16|fp16|half(?: precision)?|(?<=\.)half\(\)|bfloat16|bf16|amp|mixed precision|autocast|"
        r"半精度|混合精度|혼합 ?정밀도|precisi[óo]n mixta",
    ),
    (
        "float32",
        r"float32|single precision|rounding(?: errors?)?|precision|round\w*|精度误差|丸め\w*|舍入|"
        r"반올림|redondeo|arrondi\w*|rundung\w*|округлен\w*",
    ),
    (
        "shape",
        r"shapes?|sizes?|dim(?:s|ensions?)?|\(\s?[NnBb]\s?,\s?1?\s?\)|形状|サイズ|次元|维度?|모양|차원|forma|formes?|"
        r"размер\w*|आकार",
    ),
    ("broadcast", r"broadcast\w*|ブロードキャスト|广播|브로드캐스트|broadcasting"),
    ("transpose", r"transpos\w*|permut\w*|class(?:es)? (?:dim|axis|last)|last (?:dim|axis)|转置|転置|전치"),
    ("temperature", r"temperatur\w*|tau|(?-i:T)(?= ?(?:=|\*|²|\^| squared))|温度|온도|температур\w*|तापमान"),
    ("margin", r"margins?|マージン|间隔|边界|마진|margen|marge|отступ\w*|मार्जिन"),
    (
        "collapse",
        r"collaps\w*|same (?:point|vector|embeddings?|outputs?)|identical|同じベクトル|"
        r"(?:向量|特征|输出)\w{0,6}都?一样|equal embeddings|崩壊|坍塌|붕괴|가까|colaps\w*|"
        r"коллапс\w*",
    ),
    ("embedding", r"embeddings?|埋め込み|嵌入|임베딩|эмбеддинг\w*"),
    ("triplet", r"triplets?|anchors?|三元组|トリプレット|트리플렛"),
    (
        "smoothing",
        r"(?:label[\s_-]?)?smooth(?:ing|ed)|スムージング|平滑化?|스무딩|suaviza\w*|lissage|gl[äa]ttung|сглажив\w*|"
        r"स्मूदिंग",
    ),
    ("entropy", r"(?<!cross )(?<!cross-)entropy|(?<!差)(?<!クロス)エントロピー|(?<!叉)熵"),
    ("distill", r"distill?\w*|teachers?|students?|蒸留|蒸馏|증류|destil\w*|дистилл\w*"),
    (
        "soft",
        r"soft[\s-]?(?:labels?|targets?)|probability targets?|ソフトラベル|软标签|소프트 ?라벨|"
        r"мягк\w*",
    ),
    (
        "gradient",
        r"grad(?:s|ient\w*)?|backward|backprop\w*|勾配|逆伝播|梯度|反向传播|기울기|역전파|gradi\w*|"
        r"градиент\w*|ग्रेडिएंट",
    ),
    ("detach", r"detach\w*|requires_grad|grad_fn|no_grad|item\(\)|(?<=\.)data|leaf"),
    ("argmax", r"argmax"),
    ("inplace", r"in[\s-]?place|version counter|インプレース"),
    (
        "overflow",
        r"overflow\w*|too (?:large|big)|explod\w*|オーバーフロー|溢出|爆炸|발산|오버플로\w*|"
        r"d[ée]bord\w*|desborda\w*|переполн\w*",
    ),
    (
        "underflow",
        r"underflow\w*|log ?\(? ?(?:of )?(?:0|zero)\)?|LogBackward\d?|下溢|アンダーフロー|"
        r"언더플로\w*",
    ),
    ("clamp", r"clamp\w*|clip\w*|eps(?:ilon)?|クランプ|クリップ|截断|裁剪|클램프|클리핑"),
    ("sqrt", r"sqrt|square root|rmse|平方根|ルート|根号|제곱근|ra[íi]z|racine|wurzel|кор(?:ень|н)\w*"),
    ("norm", r"norm(?:s|al\w+)?|cdist|distances?|距離|距离|거리|norme|расстояни\w*"),
    ("where", r"torch\.where|\bwhere\("),
    (
        LN_CLASSES,
        r"(?:ln|log)(?: of)?(?: the)? (?:number of (?:classes|labels)|num_classes)|ln ?\(? ?(?:c|n|\d+)\)?|"
        r"log\((?:c|n|2n ?[-−] ?1|num_classes)\)|batch size 로그|クラス数の対数|类别数的对数",
    ),
    ("logarithm", r"log(?:arithm)?|ln|対数|对数|로그|logaritm\w*|logarithm\w*|логарифм\w*"),
    ("base", r"bits?|log2|log10|base (?:2|10|e)|natural log|nats|底|밑"),
    ("half-factor", r"(?:factor|1/2|0\.5|one half|half the)|½"),
    (
        "repeat",
        r"repeat\w*|duplicat\w*|same (?:label|letter|character|token)s?|繰り返\w*|重复|반복\w*|"
        r"repetid\w*|r[ée]p[ée]t\w*|wiederhol\w*|повтор\w*",
    ),
    ("blank", r"blanks?|ブランク|空白|블랭크"),
    (
        "too-short",
        r"too short|(?:input|sequence|target)[\s_]?lengths?|frames?|timesteps?|系列長|短すぎ\w*|"
        r"长度|길이|longitud\w*|longueur\w*|l[äa]nge\w*|длин\w*",
    ),
    (
        "variance",
        r"variances?|var|std|sigma|log[\s_-]?var|standard deviation|分散|標準偏差|方差|标准差|분산|"
        r"표준편차|varianz\w*|varian\w*|дисперси\w*",
    ),
    ("density", r"densit\w*|pdf|密度|밀도|densidad|плотност\w*|dichte\w*"),
    ("rate", r"rates?|log_input|log[\s_-]rate|count data"),
    (
        "order",
        r"orders?|swap\w*|argument order|reversed|逆|順番|顺序|交换|순서|orden|ordre|reihenfolge|"
        r"ordem|порядок\w*|क्रम",
    ),
    (
        "critic",
        r"critics?|cr[íi]tic[oa]s?|critiques?|kritiker\w*|критик\w*",
    ),
    ("policy", r"polic(?:y|ies)|ppo|a2c|sac|actors?|方策|策略|정책|pol[íi]tica|politique|политик\w*"),
    (
        "validation",
        r"validat\w+|val(?:[\s_]loss)?|test loss|eval(?:uation)?|検証|评估|验证|검증|validaci[óo]n|evaluaci[óo]n|"
        r"validierung\w*|valida[çc][ãa]o|avalia[çc][ãa]o|[ée]valuation|валидаци\w*",
    ),
    (
        "higher",
        r"higher|larger|greater|above|bigger|lower|smaller|below|高い|低い|大きい|小さい|크[다고]|작[다고]|"
        r"mayor|menor|plus (?:grande?|haute|petite|basse|[ée]lev[ée]e?)|h[öo]her|niedriger|kleiner|gr[öo][ßs]+er|"
        r"maior|выше|ниже|больше|меньше",
    ),
    ("dropout", r"drop-?out\w*|ドロップアウト|随机失活|드롭아웃"),
    (
        "reconstruction",
        r"recon(?:struct\w*)?|reproduction|再構成|重构|重建|재구성|reconstru\w*|rekonstru\w*|реконструкци\w*",
    ),
    (
        "memory",
        r"memory|ram|oom|vram|メモリ|内存|显存|메모리|memoria|m[ée]moire|speicher\w*|mem[óo]ria|памят\w*",
    ),
    (
        "large",
        r"huge|large|big|more than \d+|thousands?|hundreds?|大きすぎ\w*|巨大|很大|太大|enorme\w*|[ée]norme\w*|"
        r"riesig\w*|огромн\w*",
    ),
    ("sign", r"signs?|minus|missing (?:an? )?-1|符号|符號|부호|vorzeichen|знак\w*"),
    (
        "squared",
        r"squared?|\*\* ?2|\^ ?2|²|t ?\* ?t|二乗|2乗|平方(?!根)|제곱(?!근)|al cuadrado|au carr[ée]|quadrat\w*|"
        r"ao quadrado|квадрат\w*",
    ),
    ("accumulate", r"accumul\w*|勾配累積|累积|누적|acumul\w*|накопл\w*"),
    (
        "last-batch",
        r"last batch|epoch (?:loss|average|mean)|uneven|unequal|drop_last|最后一个 ?batch|"
        r"最後のバッチ",
    ),
    (
        "accuracy",
        r"accura\w*|正解率|精度(?!误差)|准确率|정확도|exactitud\w*|pr[ée]cision du|genauigkeit|"
        r"acur[áa]cia|точност\w*|सटीकता",
    ),
    (
        "random",
        r"random\w*|seeds?|non-?determin\w*|different (?:every|each) (?:time|run)|ランダム|乱数|"
        r"随机|랜덤|무작위|aleatori\w*|al[ée]atoire\w*|zuf[äa]llig\w*|случайн\w*|रैंडम",
    ),
    (
        "initial",
        r"initial\w*|at (?:the )?(?:start|beginning)|first (?:epoch|step|batch|iteration)|chance|"
        r"untrained|random guess\w*|初期|最初|学習前|初始|一开始|처음|초기|inicial\w*|initial\w*|"
        r"anfang\w*|начал\w*|начина\w*|शुरू\w*|开始|始ま\w*|시작\w*|startet|beginnt|commence|d[ée]marre|empieza|comienza|"
        r"come[çc]a",
    ),
    ("classes", r"class(?:es)?|クラス|类别?|클래스|clases?|klassen?|класс\w*|क्लास|वर्ग"),
    ("binary", r"binary|二値|二元|二分类|이진|binari[oa]|binaire|bin[äa]r\w*|бинарн\w*|बाइनरी|two classes"),
    ("multilabel", r"multi[\s-]?label|マルチラベル|多标签|멀티 ?라벨|multietiqueta|мультилейбл"),
    ("positive", r"positives?|正例|正样本|양성|positiv[oae]s?"),
    (
        "difference",
        r"differen\w+|differ|vs\.?|versus|compared?|same as|equivalent|equal|違い|区别|不同|不一样|"
        r"차이|다른|diferenci\w*|distint\w*|diff[ée]ren\w*|unterschied\w*|diferen\w*|отлич\w*|"
        r"разниц\w*|अंतर",
    ),
    (
        "formula",
        r"formula|by hand|manual\w*|my own|from scratch|numpy|手計算|自分で|公式|手动|手算|직접|"
        r"f[óo]rmula|formule|formel|формул\w*|सूत्र",
    ),
    ("keras", r"keras|tensorflow|tf\.\w+|tf"),
    ("sklearn", r"sklearn|scikit[\s-]?learn|log_loss"),
    ("optax", r"optax|jax|flax"),
    (
        "bounded",
        r"between 0 and 1|in \[?0, ?1\]?|0 ?(?:~|から|到) ?1|> ?1|above 1|greater than 1|"
        r"larger than 1|0[~–-]1",
    ),
    ("image", r"255|images?|pixels?|画像|图像|이미지|im[áa]gen\w*|bild\w*|изображени\w*"),
    ("training", r"train\w*|learn\w*|学習|训练|학습|entrena\w*|entra[îi]n\w*|trainier\w*|trein[ao]\w*|обуч\w*"),
    (
        "instantiate",
        r"instantiat\w*|instance|constructor|bool(?:ean)? value of tensor|インスタンス|实例化|"
        r"인스턴스",
    ),
)

OPERATIONS = frozenset((
    "log_softmax", "softmax", "logsigmoid", "sigmoid", "relu", "argmax", "detach", "clamp", "sqrt", "norm", "where",
    "one-hot", "half", "pos_weight",
))  # fmt: skip
"""Concepts that say of a program what it is about, where its other words say only what surrounds a loss."""

HOW_IT_BEHAVES = frozenset((
    "negative", "nan", "infinite", "zero", "minimum", "maximum", "stuck", "mean", "sum", "all", "none", "single",
    "higher", "large", "difference", "training", "initial", "classes", "half-factor", "formula", "bounded",
))  # fmt: skip
"""Concepts that say how a loss behaves or what is asked of it, whatever it is that is at work."""

STOP_WORDS = frozenset((
    "about", "after", "also", "and", "any", "are", "because", "been", "before", "being", "between", "both", "bug",
    "bugs", "but", "can", "code", "correct", "could", "criterion", "def", "did", "does", "doing", "each", "error",
    "errors", "even", "expect", "expected", "expecting", "few", "fine", "for", "from", "function", "functional",
    "gave", "get", "gets", "give", "gives", "giving", "got", "had", "has", "have", "help", "her", "here", "him",
    "his", "how", "import", "into", "issue", "it's", "its", "just", "know", "less", "like", "loss", "losses",
    "lossfn", "made", "make", "makes", "manual", "may", "mean", "means", "might", "model", "models", "more", "most",
    "much", "must", "network", "nn", "normal", "not", "number", "numbers", "off", "one", "only", "other", "our",
    "ours", "out", "output", "outputs", "own", "part", "per", "please", "print", "prints", "problem", "python",
    "pytorch", "question", "result", "results", "return", "right", "said", "same", "say", "says", "see", "seems",
    "self", "shall", "she", "should", "some", "something", "still", "strange", "such", "tensor", "tensors", "than",
    "thank", "thanks", "that", "the", "their", "them", "then", "there", "these", "they", "thing", "think", "this",
    "those", "thought", "too", "torch", "two", "understand", "use", "used", "uses", "using", "value", "values",
    "very", "via", "want", "was", "weird", "were", "what", "when", "where", "which", "who", "why", "will", "with",
    "would", "wrong", "you", "your",
))  # fmt: skip
"""English words that say nothing of what a text is about."""
