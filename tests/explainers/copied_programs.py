"""Losses of papers as people copy them: each a whole snippet whose last shown value is its loss."""

from __future__ import annotations

GENERALISED_IOU = """\
def giou_loss(pred, target, eps=1e-7):
    lt = torch.max(pred[:, :2], target[:, :2])
    rb = torch.min(pred[:, 2:], target[:, 2:])
    wh = (rb - lt).clamp(min=0)
    overlap = wh[:, 0] * wh[:, 1]
    ap = (pred[:, 2] - pred[:, 0]) * (pred[:, 3] - pred[:, 1])
    ag = (target[:, 2] - target[:, 0]) * (target[:, 3] - target[:, 1])
    union = ap + ag - overlap + eps
    ious = overlap / union
    enclose_x1y1 = torch.min(pred[:, :2], target[:, :2])
    enclose_x2y2 = torch.max(pred[:, 2:], target[:, 2:])
    enclose_wh = (enclose_x2y2 - enclose_x1y1).clamp(min=0)
    enclose_area = enclose_wh[:, 0] * enclose_wh[:, 1] + eps
    gious = ious - (enclose_area - union) / enclose_area
    return (1 - gious).sum()
pred = torch.tensor([[0.,0.,2.,2.],[1.,1.5,3.,4.]], requires_grad=True)
loss = giou_loss(pred, torch.tensor([[1.,1.,3.,3.],[1.,1.,3.5,3.]]))
loss.backward()
print(loss)
"""
CHARBONNIER = """\
x = torch.tensor([[0.1, 0.5], [0.3, 0.9]], requires_grad=True); y = torch.tensor([[0.2, 0.5], [0.1, 1.0]])
diff = x - y
loss = torch.mean(torch.sqrt(diff * diff + 1e-3 ** 2))
print(loss)
"""
RMSLE = """\
p = torch.tensor([2., 5., 9.], requires_grad=True); a = torch.tensor([3., 4., 10.])
print(torch.sqrt(F.mse_loss(torch.log(p + 1), torch.log(a + 1))))
"""
R_SQUARED = """\
def r2_loss(output, target):
    target_mean = torch.mean(target)
    ss_tot = torch.sum((target - target_mean) ** 2)
    ss_res = torch.sum((target - output) ** 2)
    return 1 - ss_res / ss_tot
o = torch.tensor([2.5, 0., 2., 8.], requires_grad=True)
print(r2_loss(o, torch.tensor([3., -0.5, 2., 7.])))
"""
SMAPE = """\
o = torch.tensor([2.5, 0., 2., 8.], requires_grad=True); t = torch.tensor([3., -0.5, 2., 7.])
print(200 * torch.mean(torch.abs(o - t) / (torch.abs(o) + torch.abs(t) + 1e-8)))
"""
PEARSON = """\
x = torch.tensor([1., 2., 3.5], requires_grad=True); y = torch.tensor([1.1, 1.9, 4.])
vx = x - torch.mean(x); vy = y - torch.mean(y)
cost = 1 - torch.sum(vx * vy) / (torch.sqrt(torch.sum(vx ** 2)) * torch.sqrt(torch.sum(vy ** 2)))
print(cost)
"""
JENSEN_SHANNON = """\
def js(p_logits, q_logits):
    p = F.softmax(p_logits, -1); q = F.softmax(q_logits, -1)
    m = 0.5 * (p + q)
    return 0.5 * (F.kl_div(m.log(), p, reduction='batchmean') + F.kl_div(m.log(), q, reduction='batchmean'))
a = torch.tensor([[1., 2., 0.5]], requires_grad=True)
print(js(a, torch.tensor([[0.5, 0.1, 1.2]])))
"""
BAYESIAN_RANKING = """\
torch.manual_seed(0)
u = torch.randn(3, 4, requires_grad=True); i = torch.randn(3, 4); j = torch.randn(3, 4)
pos = (u * i).sum(dim=-1); neg = (u * j).sum(dim=-1)
loss = -(pos - neg).sigmoid().log().mean() + 0.01 * (u.norm() ** 2 + i.norm() ** 2)
print(loss)
"""
SCALE_INVARIANT_SDR = """\
torch.manual_seed(0)
est = torch.randn(2, 8, requires_grad=True); ref = torch.randn(2, 8)
est = est - est.mean(1, keepdim=True); ref = ref - ref.mean(1, keepdim=True)
s = (est * ref).sum(1, keepdim=True) * ref / (ref ** 2).sum(1, keepdim=True)
noise = est - s
sdr = 10 * torch.log10((s ** 2).sum(1) / ((noise ** 2).sum(1) + 1e-8))
print(-sdr.mean())
"""
EARTH_MOVER = """\
p = F.softmax(torch.tensor([[1., 2., 0.5, 0.1]], requires_grad=True), 1); t = torch.tensor([[0.1, 0.6, 0.2, 0.1]])
cdf_t = torch.cumsum(t, dim=1); cdf_p = torch.cumsum(p, dim=1)
samplewise_emd = torch.sqrt(torch.mean(torch.pow(torch.abs(cdf_p - cdf_t), 2), dim=1))
print(samplewise_emd.mean())
"""
MEAN_DISCREPANCY = """\
torch.manual_seed(0)
x = torch.randn(4, 2, requires_grad=True); y = torch.randn(4, 2)
def rbf(a, b, s=1.0):
    return torch.exp(-torch.cdist(a, b) ** 2 / (2 * s ** 2))
loss = rbf(x, x).mean() + rbf(y, y).mean() - 2 * rbf(x, y).mean()
loss.backward()
print(loss)
"""
GENERALISED_CE = """\
x = torch.tensor([[2.,0.5,-1.],[0.1,0.2,0.7]], requires_grad=True); y = torch.tensor([0, 2]); q = 0.7
p = F.softmax(x, dim=1)
p = torch.clamp(p, min=1e-7, max=1.0)
onehot = F.one_hot(y, 3).float()
gce = (1. - torch.pow(torch.sum(onehot * p, dim=1), q)) / q
print(gce.mean())
"""
PREFERENCE = """\
pc = torch.tensor([-12.3, -8.1], requires_grad=True)
pr = torch.tensor([-14.0, -7.9])
rc = torch.tensor([-12.0, -8.5])
rr = torch.tensor([-13.5, -8.2])
beta = 0.1
logits = (pc - pr) - (rc - rr)
losses = -F.logsigmoid(beta * logits)
print(losses.mean())
"""
FOCAL_BY_GATHER = """\
class FocalLoss(nn.Module):
    def __init__(self, alpha=None, gamma=2.0):
        super().__init__()
        self.alpha, self.gamma = alpha, gamma
    def forward(self, x, y):
        logp = F.log_softmax(x, dim=1)
        logpt = logp.gather(1, y.unsqueeze(1)).squeeze(1)
        pt = logp.exp().gather(1, y.unsqueeze(1)).squeeze(1)
        loss = -((1 - pt) ** self.gamma) * logpt
        if self.alpha is not None: loss = loss * self.alpha[y]
        return loss.mean()
x = torch.tensor([[2., 0.5, -1.], [0.1, 0.2, 3.]], requires_grad=True)
print(FocalLoss(alpha=torch.tensor([0.25, 0.5, 0.25]))(x, torch.tensor([0, 2])))
"""
BARLOW_TWINS = """\
torch.manual_seed(0)
def barlow(z1, z2, lamb=5e-3):
    n, d = z1.shape
    z1 = (z1 - z1.mean(0)) / z1.std(0); z2 = (z2 - z2.mean(0)) / z2.std(0)
    c = z1.T @ z2 / n
    on = (torch.diagonal(c) - 1).pow(2).sum()
    off = (c.flatten()[:-1].view(d - 1, d + 1)[:, 1:]).pow(2).sum()
    return on + lamb * off
z = torch.randn(4, 3, requires_grad=True)
print(barlow(z, z))
"""
CLIPPED_POLICY = """\
lp = torch.tensor([-0.5, -1.0, -2.0], requires_grad=True)
old = torch.tensor([-0.6, -1.0, -5.0]); adv = torch.tensor([1., -0.5, 2.])
ratio = torch.exp(lp - old)
clipped = torch.clamp(ratio, 0.8, 1.2)
print(-torch.min(ratio * adv, clipped * adv).mean())
"""
CERTIFIED = {name: text for name, text in list(globals().items()) if name.isupper() and isinstance(text, str)}
