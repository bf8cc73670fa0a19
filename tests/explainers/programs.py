"""Programs as people write them, by what they are: each a whole snippet whose last shown value is its loss."""

from __future__ import annotations

FOCAL = """\
def focal_loss(logits, targets, alpha=0.25, gamma=2.0):
    bce = F.binary_cross_entropy_with_logits(logits, targets, reduction='none')
    pt = torch.exp(-bce)
    return (alpha * (1 - pt) ** gamma * bce).mean()
logits = torch.tensor([1.5, -0.3, 0.2], requires_grad=True)
loss = focal_loss(logits, torch.tensor([1.0, 0.0, 1.0]))
loss.backward()
print(loss)
"""
FOCAL_MODULE = """\
class FocalLoss(nn.Module):
    def __init__(self, gamma=2):
        super().__init__()
        self.gamma = gamma
    def forward(self, inputs, targets):
        ce_loss = F.cross_entropy(inputs, targets, reduction='none')
        p_t = torch.exp(-ce_loss)
        return ((1 - p_t) ** self.gamma * ce_loss).mean()
x = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.7]], requires_grad=True)
print(FocalLoss()(x, torch.tensor([0, 2])))
"""
DICE = """\
def dice_loss(pred, target, smooth=1.0):
    probability = torch.sigmoid(pred).view(-1)
    flat = target.view(-1)
    overlap = (probability * flat).sum()
    return 1 - (2.0 * overlap + smooth) / (probability.sum() + flat.sum() + smooth)
pred = torch.tensor([[0.5, 2.0], [-1.0, 0.3]], requires_grad=True)
print(dice_loss(pred, torch.tensor([[1.0, 1.0], [0.0, 0.0]])))
"""
TVERSKY = """\
def tversky(inputs, targets, alpha=0.3, beta=0.7, smooth=1):
    inputs = torch.sigmoid(inputs).flatten()
    targets = targets.flatten()
    hits = (inputs * targets).sum()
    wrong = ((1 - targets) * inputs).sum()
    missed = (targets * (1 - inputs)).sum()
    return 1 - (hits + smooth) / (hits + alpha * wrong + beta * missed + smooth)
torch.manual_seed(0)
x = torch.randn(2, 1, 2, 2, requires_grad=True)
print(tversky(x, (torch.rand(2, 1, 2, 2) > 0.5).float()))
"""
IOU = """\
def iou_loss(pred, target):
    left = torch.max(pred[:, 0], target[:, 0])
    top = torch.max(pred[:, 1], target[:, 1])
    right = torch.min(pred[:, 2], target[:, 2])
    bottom = torch.min(pred[:, 3], target[:, 3])
    inter = torch.clamp(right - left, min=0) * torch.clamp(bottom - top, min=0)
    area = (pred[:, 2] - pred[:, 0]) * (pred[:, 3] - pred[:, 1])
    wanted = (target[:, 2] - target[:, 0]) * (target[:, 3] - target[:, 1])
    iou = inter / (area + wanted - inter + 1e-6)
    return (1 - iou).mean()
pred = torch.tensor([[0.0, 0.0, 2.0, 2.0], [1.0, 1.5, 3.0, 4.0]], requires_grad=True)
print(iou_loss(pred, torch.tensor([[1.0, 1.0, 3.0, 3.0], [1.0, 1.0, 3.5, 3.0]])))
"""
CONTRASTIVE = """\
def contrastive(a, b, label, margin=2.0):
    distance = (a - b).pow(2).sum(1).sqrt()
    return torch.mean((1 - label) * distance ** 2 + label * torch.clamp(margin - distance, min=0) ** 2)
a = torch.tensor([[0.1, 0.2], [1.0, 0.0]], requires_grad=True)
print(contrastive(a, torch.tensor([[0.2, 0.1], [0.0, 1.0]]), torch.tensor([0.0, 1.0])))
"""
TRIPLET_HARD = """\
def batch_hard(emb, labels, margin=0.3):
    dist = torch.cdist(emb, emb)
    same = labels.unsqueeze(0) == labels.unsqueeze(1)
    hardest_pos = (dist * same.float()).max(dim=1)[0]
    hardest_neg = (dist + 1e6 * same.float()).min(dim=1)[0]
    return F.relu(hardest_pos - hardest_neg + margin).mean()
emb = torch.tensor([[0.0, 0.0], [0.5, 0.1], [1.0, 1.0], [0.9, 0.4]], requires_grad=True)
loss = batch_hard(emb, torch.tensor([0, 0, 1, 1]))
loss.backward()
print(loss)
"""
INFO_NCE = """\
torch.manual_seed(0)
z1 = torch.randn(4, 3, requires_grad=True)
z2 = torch.randn(4, 3)
a = z1 / z1.norm(dim=1, keepdim=True)
b = z2 / z2.norm(dim=1, keepdim=True)
logits = a @ b.t() / 0.1
print(F.cross_entropy(logits, torch.arange(4)))
"""
NT_XENT = """\
def nt_xent(z_i, z_j, tau=0.5):
    n = z_i.size(0)
    z = torch.cat([z_i, z_j], dim=0)
    z = z / z.norm(dim=1, keepdim=True)
    sim = torch.matmul(z, z.T) / tau
    sim = sim.masked_fill(torch.eye(2 * n, dtype=torch.bool), float('-inf'))
    target = torch.cat([torch.arange(n, 2 * n), torch.arange(0, n)])
    return F.cross_entropy(sim, target)
torch.manual_seed(1)
z_i = torch.randn(2, 3, requires_grad=True)
print(nt_xent(z_i, torch.randn(2, 3)))
"""
SUP_CON = """\
def supcon(features, labels, T=0.5):
    sim = features @ features.T / T
    mask = (labels[:, None] == labels[None, :]).float()
    others = torch.ones_like(mask) - torch.eye(len(labels))
    mask = mask * others
    logits = sim - sim.max(dim=1, keepdim=True)[0].detach()
    log_prob = logits - torch.log((torch.exp(logits) * others).sum(1, keepdim=True))
    return -((mask * log_prob).sum(1) / mask.sum(1)).mean()
torch.manual_seed(0)
features = torch.randn(4, 3, requires_grad=True)
print(supcon(features, torch.tensor([0, 0, 1, 1])))
"""
HINGE = """\
def multiclass_hinge(scores, y, delta=1.0):
    n = scores.shape[0]
    correct = scores[torch.arange(n), y].view(-1, 1)
    margins = torch.clamp(scores - correct + delta, min=0)
    margins[torch.arange(n), y] = 0
    return margins.sum() / n
scores = torch.tensor([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]], requires_grad=True)
print(multiclass_hinge(scores, torch.tensor([0, 1, 2])))
"""
QUANTILE = """\
def quantile_loss(preds, target, quantiles):
    losses = []
    for i, q in enumerate(quantiles):
        errors = target - preds[:, i]
        losses.append(torch.max((q - 1) * errors, q * errors).unsqueeze(1))
    return torch.mean(torch.sum(torch.cat(losses, dim=1), dim=1))
preds = torch.tensor([[1.0, 2.0, 3.0], [0.5, 1.0, 2.0]], requires_grad=True)
print(quantile_loss(preds, torch.tensor([2.5, 0.7]), [0.1, 0.5, 0.9]))
"""
LOG_COSH = """\
pred = torch.tensor([1.0, 2.5, -0.5], requires_grad=True)
error = pred - torch.tensor([0.5, 2.0, 1.0])
print(torch.log(torch.cosh(error)).mean())
"""
CRITIC = """\
torch.manual_seed(0)
critic = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1))
real, fake = critic(torch.randn(5, 2)), critic(torch.randn(5, 2))
loss = fake.mean() - real.mean()
loss.backward()
print(loss)
"""
PENALTY = """\
torch.manual_seed(0)
critic = nn.Linear(2, 1)
x = torch.randn(3, 2, requires_grad=True)
g = torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]
print(10 * ((g.norm(2, dim=1) - 1) ** 2).mean())
"""
VAE = """\
def loss_function(recon_x, x, mu, logvar):
    bce = F.binary_cross_entropy(recon_x, x.view(-1, 4), reduction='sum')
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return bce + kld
recon = torch.tensor([[0.9, 0.2, 0.6, 0.5]], requires_grad=True)
mu = torch.tensor([[0.1, -0.2]], requires_grad=True)
logvar = torch.tensor([[0.0, -0.5]], requires_grad=True)
loss = loss_function(recon, torch.tensor([[1.0, 0.0, 1.0, 0.0]]), mu, logvar)
loss.backward()
print(loss)
"""
DISTILLATION = """\
student = torch.tensor([[1.0, 2.0, 0.5]], requires_grad=True)
teacher = torch.tensor([[0.5, 3.0, 0.1]])
T = 4.0
q = F.softmax(teacher / T, dim=1)
soft = (q * (q.log() - F.log_softmax(student / T, dim=1))).sum() * T * T
hard = F.cross_entropy(student, torch.tensor([1]))
print(0.9 * soft + 0.1 * hard)
"""
SMOOTHING = """\
class LabelSmoothing(nn.Module):
    def __init__(self, smoothing=0.1):
        super().__init__()
        self.confidence, self.smoothing = 1.0 - smoothing, smoothing
    def forward(self, x, target):
        logprobs = F.log_softmax(x, dim=-1)
        picked = -logprobs.gather(dim=-1, index=target.unsqueeze(1)).squeeze(1)
        everywhere = -logprobs.mean(dim=-1)
        return (self.confidence * picked + self.smoothing * everywhere).mean()
x = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.7]], requires_grad=True)
print(LabelSmoothing()(x, torch.tensor([0, 2])))
"""
SMOOTHING_SCATTER = """\
pred = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.7]], requires_grad=True)
target = torch.tensor([0, 2])
one_hot = torch.zeros_like(pred).scatter(1, target.view(-1, 1), 1)
soft = one_hot * 0.9 + (1 - one_hot) * 0.1 / 2
print(-(soft * F.log_softmax(pred, dim=1)).sum(dim=1).mean())
"""
SMOOTHING_FILLED = """\
pred = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.7]], requires_grad=True)
soft = torch.full_like(pred, 0.1 / 3).scatter(1, torch.tensor([[0], [2]]), 0.9 + 0.1 / 3)
print(-(soft * F.log_softmax(pred, dim=1)).sum(dim=1).mean())
"""
OWN_CE = """\
def my_ce(logits, y):
    return -torch.log(torch.exp(logits)[range(len(y)), y] / torch.exp(logits).sum(1)).mean()
z = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.7]], requires_grad=True)
print(my_ce(z, torch.tensor([0, 2])))
"""
OWN_CE_SHIFTED = """\
def my_ce(logits, y):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    odds = torch.exp(shifted)
    probs = odds / odds.sum(dim=1, keepdim=True)
    return -torch.log(probs[range(len(y)), y]).mean()
z = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.7]], requires_grad=True)
loss = my_ce(z, torch.tensor([0, 2]))
loss.backward()
print(loss)
"""
LOOP_CE = """\
def cross_entropy(logits, labels):
    total = 0
    for i in range(len(labels)):
        total += -logits[i][labels[i]] + torch.log(torch.sum(torch.exp(logits[i])))
    return total / len(labels)
z = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.7], [0.3, 0.3, 0.3]], requires_grad=True)
print(cross_entropy(z, torch.tensor([0, 2, 1])))
"""
LOOP_STACK = """\
z = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.7], [0.3, 0.4, 0.3]], requires_grad=True)
y = torch.tensor([0, 2, 1])
losses = []
for row, label in zip(z, y):
    losses.append(F.cross_entropy(row.unsqueeze(0), label.unsqueeze(0)))
print(torch.stack(losses).mean())
"""
WEIGHTED_SUM = """\
pred = torch.tensor([0.5, 1.5], requires_grad=True)
w = torch.tensor([0.3, -0.7], requires_grad=True)
mse = F.mse_loss(pred, torch.tensor([1.0, 1.0]))
lasso = w.abs().sum()
ridge = (w ** 2).sum()
loss = mse + 0.01 * lasso + 0.1 * ridge
loss.backward()
print(loss)
"""
TWO_HEADS = """\
torch.manual_seed(0)
trunk, head_a, head_b = nn.Linear(4, 5), nn.Linear(5, 3), nn.Linear(5, 1)
h = torch.relu(trunk(torch.randn(5, 4)))
cls_loss = F.cross_entropy(head_a(h), torch.tensor([0, 1, 2, 0, 1]))
reg_loss = F.mse_loss(head_b(h), torch.randn(5, 1))
loss = cls_loss + 0.5 * reg_loss
loss.backward()
print(loss)
"""
IN_PLACE = """\
x = torch.tensor([1.0, -2.0, 3.0], requires_grad=True)
e = x.clone()
e[e < 0] = 0
e *= 2
e += 1
print(e.log().sum())
"""
THROUGH_A_VIEW = """\
x = torch.tensor([[1.0, -2.0, 3.0], [0.5, 0.25, 2.0]], requires_grad=True)
y = x * 1
y[:, 1] += 1
row = y[0]
row *= 3
flat = y.view(6)
flat[5] = 7.0
print((y ** 2).sum())
"""
EINSUM = """\
a = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
b = torch.tensor([[0.5, -1.0], [1.0, 0.0]])
sim = torch.einsum('id,jd->ij', a, b)
print(-torch.log_softmax(sim, dim=1).diagonal().mean())
"""
HARD_EXAMPLES = """\
z = torch.tensor([[2.0, 0.5], [0.1, 0.2], [1.0, -1.0], [0.0, 3.0]], requires_grad=True)
losses = F.cross_entropy(z, torch.tensor([0, 1, 1, 0]), reduction='none')
hard, idx = torch.topk(losses, 2)
print(hard.mean())
"""
MASKED = """\
pred = torch.tensor([[1.0, 2.0, 0.0], [0.5, 0.0, 0.0]], requires_grad=True)
target = torch.tensor([[1.5, 1.0, 0.0], [1.0, 0.0, 0.0]])
mask = target != 0
print(((pred - target) ** 2)[mask].mean())
"""
PAIRWISE_RANKING = """\
scores = torch.tensor([0.2, 1.1, -0.4], requires_grad=True)
relevance = torch.tensor([2.0, 0.0, 1.0])
gap = scores[:, None] - scores[None, :]
wanted = (relevance[:, None] > relevance[None, :]).float()
print((wanted * F.softplus(-gap)).sum() / wanted.sum())
"""
LIST_NET = """\
scores = torch.tensor([[0.2, 1.1, -0.4]], requires_grad=True)
truth = torch.tensor([[2.0, 0.0, 1.0]])
print(-(truth.softmax(-1) * scores.log_softmax(-1)).sum(-1).mean())
"""
TOTAL_VARIATION = """\
image = torch.tensor([[0.1, 0.4, 0.2], [0.3, 0.9, 0.5]], requires_grad=True)
across = (image[:, 1:] - image[:, :-1]).abs().mean()
down = (image[1:] - image[:-1]).pow(2).sum()
print(across + down)
"""
CENTER = """\
centers = torch.tensor([[0.0, 0.0], [1.0, 1.0]], requires_grad=True)
features = torch.tensor([[0.2, 0.1], [0.8, 1.3], [1.1, 0.7]])
labels = torch.tensor([0, 1, 1])
print(0.5 * (features - centers[labels]).pow(2).sum(1).mean())
"""
ARC_MARGIN = """\
x = torch.tensor([[1.0, 0.5], [0.2, 0.9]], requires_grad=True)
W = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.7, 0.7]])
cosine = F.linear(x / x.norm(dim=1, keepdim=True), W / W.norm(dim=1, keepdim=True))
target = torch.tensor([0, 1])
logits = 8 * (cosine - 0.35 * F.one_hot(target, 3))
print(F.cross_entropy(logits, target))
"""
GAUSSIAN = """\
mu = torch.tensor([0.1, 0.5], requires_grad=True)
log_sigma = torch.tensor([0.0, -1.0], requires_grad=True)
y = torch.tensor([0.3, 0.2])
print((log_sigma + 0.5 * ((y - mu) / log_sigma.exp()) ** 2).mean())
"""
ENTROPY = """\
logits = torch.tensor([[0.5, 1.0, -1.0]], requires_grad=True)
p = logits.softmax(-1)
print(-(p * p.log()).sum(-1).mean() * 0.01)
"""
POLICY = """\
logits = torch.tensor([[0.5, 1.0], [0.2, -0.3]], requires_grad=True)
old = torch.tensor([-0.9, -0.5])
advantage = torch.tensor([1.5, -0.7])
ratio = (logits.log_softmax(1)[torch.arange(2), torch.tensor([0, 1])] - old).exp()
print(-torch.min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage).mean())
"""
HAND_MLP = """\
torch.manual_seed(0)
W1 = torch.randn(3, 2, requires_grad=True)
W2 = torch.randn(2, 2, requires_grad=True)
x, y = torch.randn(4, 3), torch.tensor([0, 1, 0, 1])
hidden = torch.tanh(x @ W1)
scores = hidden @ W2
loss = F.nll_loss(F.log_softmax(scores, dim=1), y)
loss.backward()
print(loss)
"""
SEQUENCE = """\
torch.manual_seed(0)
logits = torch.randn(2, 3, 4, requires_grad=True)
tokens = torch.tensor([[1, 2, 0], [3, 0, 0]])
print(F.cross_entropy(logits.view(-1, 4), tokens.view(-1), ignore_index=0))
"""
NUMPY_BETWEEN = """\
import numpy as np
z = torch.tensor([2.0, 0.5, -1.0])
p = np.exp(z.numpy()) / np.exp(z.numpy()).sum()
print(-torch.log(torch.from_numpy(p))[0])
"""
CERTIFIED = {name: text for name, text in list(globals().items()) if name.isupper() and isinstance(text, str)}
