"""Words around a number that say what it is: expected, printed, or an argument of something (ten languages)."""

import re

BEFORE_EXPECTED = re.compile(
    r"\b(?:expect\w*|should\w*|supposed|hop(?:ed|ing|e)|ought|want(?:ed)?|thought|think|believed?|assum\w+|must|"
    r"ideally|"
    r"instead of|rather than|isn'?t|not|never|would be|wouldn'?t|doesn'?t|"
    r"esper\w+|deber[ií]a\w*|tendr[ií]a|pens[éeaá]\w*|cre[ií]a|en (?:vez|lugar) de|y no|no (?:es|da|sale)|"
    r"attend\w*|devrait|pensais|croyais|au lieu d[e']|pas|"
    r"erwart\w*|sollte\w*|m[üu]sste\w*|(?:an)?statt|dachte|nicht|"
    r"deveria\w*|devia|em vez de|ao inv[ée]s de|achei|achava|n[ãa]o (?:[ée]|d[áa])|e n[ãa]o|"
    r"ожида\w+|должн\w+|вместо|думал\w*|а не|не)\b|\bn[ãao]o?\s*$"
    r"|期待|予想|期望|预期|应该|应当|以为|而不是|不是|不为|不等于|想要|理论上|기대|예상|उम्मीद|अपेक्षा"
    r"|ليس|توقع|بدلا|بدل |يجب|ينبغي|المفروض",
    re.I,
)
AFTER_EXPECTED = re.compile(
    r"思[っういえ]|はず|期待|べき|予想|なら(?:ない|ず)|では?な(?:い|く)|じゃな(?:い|く)|でない|でな[くい]|"
    r"기대|예상|여야|나와야|되어야|돼야|(?:일|나올|될|인) 줄|거라|아닌|아니|생각|चाहिए|उम्मीद|अपेक्षा|सोचा|नहीं|"
    r"才对|才是|\berwarte\w*|\bsein sollte|\bsein m[üu]sste|"
    r"(?<!is that )(?<!is this )(?<!is it )\bexpected\b|\bexpect(?:$|[.!?])|"
    r"\b(?:is|was|would be) (?:what|the)\b[^.]{0,20}\bexpect",
    re.I,
)
OF_THE_NEXT = re.compile(r"\bexpect\w*(?: (?:it to be|to (?:get|be|see)|about|around))?\W*$", re.I)
"""Between two numbers: the later one is what is expected."""

ATTRIBUTED = re.compile(
    r"(?<![a-z])(?:keras|tensorflow|tf|sklearn|scikit-learn|numpy|scipy|jax|matlab|octave|julia|excel|mathematica|"
    r"wolfram(?:[ -]?alpha)?|(?:pocket )?calculator)(?![a-z])(?:['’]s?)?"
    r"(?:[\s.][\w.]+(?:\([^()]*\))?)?\s*(?:が|は|では|だと|で|得到|是|给出|"
    r"\b(?:g[ei]ves?|gave|says?|returns?|returned|prints?|shows?|computes?|reports?|yields?|da|donne|ergibt|liefert|d[áa])"
    r"(?: me)?)\s*$",
    re.I,
)
"""What follows is what another library gives, for which torch's number is compared with it."""

OWN = re.compile(
    r"\b(?:i|we) (?:computed|calculated|worked out|derived)\s*$|"
    r"\b(?:by hand|manually|on paper|(?:my|our) (?:own |manual |hand )?(?:formula|calculations?|computation|math|"
    r"result|numbers?|code|version|implementation|function|arithmetic)|a mano|manualmente|mi f[óo]rmula|[àa] la main|"
    r"ma formule|von hand|(?:meine|mit meiner) formel|h[äa]ndisch|[àa] m[ãa]o|minha f[óo]rmula|вручную|руками|"
    r"моя формула|моей формуле)\b|手算|手动计算|手動計算|手計算|手で計算|自分で計算|我的公式|按公式|직접 계산|손으로",
    re.I,
)
"""What the asker has worked out themselves, for which torch's number is compared with it."""

LEAST = re.compile(
    r"(?:\bnot|n'?t|\bnever|\bcannot|\bhardly)\s+(?:\w+\s+){1,3}(?:below|under|lower than)\s*$|"
    r"\bnicht (?:mehr )?unter\s*$|\bno baja (?:de|por debajo de)\s*$|\bn[ãa]o (?:cai|baixa|desce) (?:abaixo )?de\s*$|"
    r"\bne (?:descend|baisse) pas (?:sous|en dessous de)\s*$|\bне (?:падает|опускается) ниже\s*$|"
    r"(?:降不到|不低于|下不了|低不过)\s*$",
    re.I,
)
"""What follows is where a loss stays: it does not go below 0.3133."""

WISHED = re.compile(r"\b(?:should|expect\w*|must|suppos\w*|thought|can'?t be|sollte|debería|devrait|deveria)\b", re.I)
PREPOSITION = re.compile(
    r"(?<!loss )(?<!value )(?<!losses )(?<!instead )(?<!lieu )(?<!vez )(?<!lugar )(?<!perte )(?<!valor )"
    r"\b(?:of|by|with|than|de|von)\s*$",
    re.I,
)
"""What follows is what something is taken of ("the log of 0.9"), unless somebody GETS it ("gives a loss of 0.9")."""

GETS = re.compile(
    r"\b(?:g[ei]ves?|giving|gave|gets?|getting|got|ha[sd]|have|da|dio|donne|ergibt|gibt|d[áa]|deu)\b", re.I
)
BEFORE_PRINTED = re.compile(
    r"\b(?:g[eio]ve[sn]?|gave|giving|g[eo]t(?:s|ting)?|prints?|printed|returns?|returned|outputs?|is|was|are|it'?s|"
    r"says?|shows?|equals?|"
    r"compute[sd]?|reports?|becomes?|became|began (?:at|with)|"
    r"(?:start|begin|sit|stay)(?:s|ed)? (?:out )?(?:at|with|from|near)|"
    r"(?:starte[nt]|startete|beginn(?:t|en)|liegt) (?:bei|mit)|(?:commence|d[ée]marre|d[ée]bute) (?:à|avec|par|vers)|"
    r"(?:empieza|comienza|arranca|inicia) (?:en|con|por)|(?:come[çc]a|inicia) (?:em|com|por)|"
    r"(?:начина\w+|старту\w+) (?:примерно )?(?:с|со|от)|на (?:перв\w+|\d+-?[а-я]*) (?:шаге|итерации|эпохе)|"
    r"(?:stuck|frozen|plateau\w*|(?:stay|sit)(?:s|ed)?) (?:exactly |right |precisely |always )?(?:at|on)|"
    r"(?:h[äa]ngt|steckt|bleibt|stagniert) (?:\w+ ){0,2}(?:bei|auf)|(?:bloqu[ée]\w*|reste|stagne) (?:\w+ )?[àa]|"
    r"(?:atascad\w|estancad\w|qued[aó]\w*|clavad\w) (?:\w+ )?en|"
    r"(?:travad\w|pres[ao]|parad\w|estagnad\w) (?:\w+ )?em|"
    r"(?:застр\w+|завис\w*|стоит|держится|остаётся|остается) (?:\w+ )?(?:на|около)|"
    r"(?:why|how come) (?:is|are) (?:my |the |our )?[A-Za-z]\w*|averages to|loss(?:es)?(?: on)?|value|why|where|result|"
    r"da|dio|sale|sali[óo]|imprime|devuelve|obtengo|es|valor|p[ée]rdida|donne|affiche|renvoie|obtiens|vaut|est|perte|"
    r"ergibt|gibt|liefert|bekomme|erhalte|kommt|ist|retorna|imprimiu|d[áa]|deu|sai|saiu|perda|"
    r"да[её]т|выда[её]т|получа\w+|выводит|рав(?:ен|н\w+)|потер\w+)\b|[=→:]|->"
    r"|は|が|も|得到|算出来?|算得|计算得|得出|(?:一直|停留?|卡|维持|保持|稳定|徘徊)在|输出|打印|结果|等于|是|为|值|损失|은|는|이|가|है|मिल|आ|"
    r"[تي]عطي|[تي]ساوي|النتيجة|[أا]حصل على|[تي]طبع|هي|هو",
    re.I,
)
AFTER_PRINTED = re.compile(
    r"\s*(?:と(?:表示|出|なり|計算)|にな(?:り|っ|る)|が(?:出|表示|返)|を(?:返|出)|です|だ|でした|なの|くらい|前後|付近|左右|附近|上下|이|가|로|나오|"
    r"나와|입니다|"
    r"है|आ|मिल|(?:क्यों )?दे|क्यों (?:आ|मिल)|comes? from|come from|is printed|vient|viene|kommt|heraus|vem|bedeutet|"
    r"に?から(?:始|スタート)|开始|에서 ?시작|से शुरू)",
    re.I,
)
ARGUMENT = re.compile(
    r"(?:(?<![A-Za-z])(?:lambda|lam|λ|momentum|quantile|weight_decay|"
    r"lr|learning[ _]rate|batch(?:[ _]size)?|epochs?|steps?|margin|gamma|alpha|beta|eps(?:ilon)?|"
    r"tau|"
    r"temperature|smoothing|delta|dim|axis|seed|version|pytorch|torch|python|cuda|tensorflow|keras|size|weights?|"
    r"weight decay|"
    r"class(?:es)?|index|labels?|targets?|inputs?|logits|length|sigma|threshold|dropout|patience|layers?|line|block|thread|step|case|question|part|"
    r"clases?|classe|klasse|etiqueta|ziel|alvo|класс|метка|num_\w+|pos_weight|label_smoothing)\s*(?:[=:]|of|is|was|"
    r"to|are|es|est|ist)?\s*$"
    r"|(?:クラス|ラベル|バッチ|エポック|クラス数|学習率|类|类别|标签|学习率|클래스|레이블|라벨|배치|क्लास|"
    r"लेबल)\s*(?:は|が|を|=|是|为|는|은|이)?\s*$|(?:[\^*/(<>≤≥≠]|[!<>=]=)\s*$|\.[A-Za-z]{1,4}:$)",
    re.I,
)
FORMULA = re.compile(
    r"[-−]?\b(?:log|ln|log2|log10|exp|sqrt|sigmoid|tanh|math\.\w+|np\.\w+|torch\.\w+)\s?\([^()]{1,30}\)\s*[=≈]\s*$"
)
"""Before a number that a formula of the sentence comes to."""

OPERAND = (re.compile(r"[\d)]\s*[+*/·×]\s*$"), re.compile(r"\s*[+·×]\s*[\d(]"))
"""Before and after a number that is a term of written arithmetic: "0.4 + 0.2 = 0.6" states the last one alone."""

UNIT = re.compile(
    r"\s*(?:-?\s?(?:class(?:es)?|samples?|epochs?|batch(?:es)?|rows?|points?|images?|gpus?|layers?|dims?|times|steps?|"
    r"elements?|entries|labels?|tokens?|items?|bits?|st|nd|rd|th|d|x|k|ms|s|min|hours?|days?|years?|losses|numbers?|"
    r"values?|"
    r"clases|classes|klassen|классов|классa)\b|クラス|エポック|個|つ|回|行|枚|个|类|行|次|轮|维|에폭|개|번|클래스|"
    r"वर्ग|\s?[*/^]\s?\w)|\(\s?\w",
    re.I,
)
CONTRAST = re.compile(
    r"(?:[,;?\n…]|!(?!=))|\.(?=\s|$)|\b(?:but|yet|however|whereas|while|pero|mais|aber|sondern|mas|porém|но|"
    r"однако)\b|のに|"
    r"ですが|ますが|たが|だが|"
    r"けど|が,|但|却|可是|하지만|는데|지만|लेकिन|मगर",
    re.I,
)
ZERO = re.compile(
    r"(?<![A-Za-z_])(?:zero|cero|z[ée]ro|null|нол[ьюя]|нул[ьюя])(?![A-Za-z_-])|ゼロ|(?<![一-龥])零(?![一-龥])|"
    r"शून्य",
    re.I,
)
BEHAVIOURS = (
    ("negative", re.compile(
        r"(?<!positive and )(?<!positive, )(?<!positive/)"
        r"(?<!non-)(?<!non )(?<!not )(?<!nicht )(?<!nicht-)\bn[eé]gat(?:ive|iv|ivo|iva|if|ivos|ivas|iven?|ifs)\b"
        r"(?!\s*[=:]?\s*[\[\ufffc])(?![\s-]*(?:log|sample|label|class|target|example|"
        r"pair|slope|likelihood|"
        r"mining|vraisemblance|muestra|amostra))|\b(?:below|less than|under) (?:zero|0)\b(?![.,]\d)|<\s?0(?![.\d])|"
        r"マイナス|"
        r"負(?![荷担の]|け)|"
        r"负(?!对数|样本|责|载)|음수|마이너스|отрицательн(?!\w*\s+лог)|ऋणात्मक|नेगेटिव|नकारात्मक", re.I)),
    ("nan", re.compile(r"(?<![A-Za-z])nans?(?![A-Za-z])", re.I)),
    ("inf", re.compile(r"(?<![A-Za-z\-(])inf(?:inity|inite)?(?![A-Za-z])|無限大|无穷|무한대|infini(?:to|t|e)?\b|"
     "unendlich|бесконечн", re.I)),
    ("not-decreasing", re.compile(
        r"(?:not|n'?t|never|won'?t|stops?) (?:decreas|go(?:ing|es)? down|drop|improv|converg|fall)\w*|no (?:baja|"
        r"disminuye|converge)|"
        r"ne (?:baisse|diminue|descend)|sinkt nicht|nicht (?:kleiner|ab)|n[ãa]o (?:diminui|cai|baixa|converge)|"
        r"не (?:уменьша|пада|снижа|сход)\w*|"
        r"下が(?:ら|りま)|減ら|収束し(?:ない|ません)|降不下去|不下降|不降|不收敛|下降(?:特别|很|太)?慢|안 ?(?:내려|"
        r"줄|떨어)|"
        r"줄지|떨어지지|내려가지|कम नहीं|घट नहीं", re.I)),
    ("always-same", re.compile(
        r"\bstuck\b|\bstays? (?:at|the same|constant)|\bconstant\b|(?:not|n'?t|never) chang|always (?:the same|"
        r"exactly|gives)|(?:\bloss|\bit|model|network|output|always|still|\bget|getting|keeps?)\b"
        r"[^.?!\n]{0,30}\bsame (?:value|loss)\b|"
        r"no cambia|estancad|atascad|siempre (?:el mismo|igual)|ne change pas|bloqu[ée]|reste (?:à|bloqu)|"
        r"[äa]ndert sich nicht|h[äa]ngt (?:\w+ ){0,2}(?:bei|fest)|bleibt (?:\w+ )?(?:bei|konstant)|"
        r"n[ãa]o muda|travad|sempre (?:o mesmo|igual)|не меня|застря|"
        r"変わ(?:らない|らず|[らり]ません)|動きません|動かない|"
        r"ずっと同じ|一定の?まま|不变|一直(?:都)?(?:在|是|停|等于|为|保持)|卡在|"
        r"변하지|안 변|멈췄|멈춰|그대로(?=(?:이|입|예|네|에요|인|\s*있|$))|"
        r"계속 같|नहीं बदल|अटक", re.I)),
    ("random", re.compile(
        r"different(?: \w+)? (?:every|each) (?:time|run)|changes (?:every|each) (?:time|run)|non-?determinist|"
        r"毎回(?:違|変|"
        r"異)|每次(?:都)?不(?:同|一样)|"
        r"cada vez (?:da|sale|es) (?:otro|distint|diferent)|jedes ?mal (?:anders|ander)|à chaque fois diff|"
        r"каждый раз разн|매번 (?:다르|달라)|हर बार अलग", re.I)),
)  # fmt: skip
