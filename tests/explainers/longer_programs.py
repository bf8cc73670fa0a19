"""Longer programs as they are found in repositories: each a whole snippet whose last shown value is its loss."""

from __future__ import annotations

COMPLETE_IOU = """\
import math
def diou(b1, b2, eps=1e-7):
    x1, y1, x2, y2 = b1.unbind(-1)
    x1g, y1g, x2g, y2g = b2.unbind(-1)
    xk1 = torch.max(x1, x1g); yk1 = torch.max(y1, y1g)
    xk2 = torch.min(x2, x2g); yk2 = torch.min(y2, y2g)
    intsct = torch.zeros_like(x1)
    mask = (yk2 > yk1) & (xk2 > xk1)
    intsct[mask] = (xk2[mask] - xk1[mask]) * (yk2[mask] - yk1[mask])
    union = (x2-x1)*(y2-y1) + (x2g-x1g)*(y2g-y1g) - intsct + eps
    iou = intsct / union
    xc1 = torch.min(x1, x1g); yc1 = torch.min(y1, y1g)
    xc2 = torch.max(x2, x2g); yc2 = torch.max(y2, y2g)
    diag = ((xc2-xc1)**2) + ((yc2-yc1)**2) + eps
    xp = (x2+x1)/2; yp=(y1+y2)/2; xg=(x1g+x2g)/2; yg=(y1g+y2g)/2
    d = ((xp-xg)**2) + ((yp-yg)**2)
    v = (4/math.pi**2) * (torch.atan((x2g-x1g)/(y2g-y1g)) - torch.atan((x2-x1)/(y2-y1)))**2
    with torch.no_grad():
        alpha = v / (1 - iou + v + eps)
    loss = 1 - iou + d/diag + alpha*v
    return loss.mean()
b1 = torch.tensor([[0.,0.,2.,2.],[1.,1.5,3.,4.]], requires_grad=True)
print(diou(b1, torch.tensor([[1.,1.,3.,3.],[1.,1.,3.5,3.]])))
"""
TRIPLET_SEMIHARD = """\
torch.manual_seed(0)
emb = F.normalize(torch.randn(6, 4, requires_grad=True), dim=1)
labels = torch.tensor([0,0,1,1,2,2])
dist = 1 - emb @ emb.t()
losses = []
for i in range(6):
    for j in range(6):
        if i == j or labels[i] != labels[j]:
            continue
        negs = dist[i][labels != labels[i]]
        semi = negs[(negs > dist[i, j]) & (negs < dist[i, j] + 0.2)]
        if len(semi) == 0:
            continue
        losses.append(F.relu(dist[i, j] - semi.min() + 0.2))
loss = torch.stack(losses).mean()
print(loss)
"""
SIM_CLR = """\
def info_nce_loss(features, batch_size=3, n_views=2, temperature=0.07):
    labels = torch.cat([torch.arange(batch_size) for i in range(n_views)], dim=0)
    labels = (labels.unsqueeze(0) == labels.unsqueeze(1)).float()
    features = F.normalize(features, dim=1)
    similarity_matrix = torch.matmul(features, features.T)
    mask = torch.eye(labels.shape[0], dtype=torch.bool)
    labels = labels[~mask].view(labels.shape[0], -1)
    similarity_matrix = similarity_matrix[~mask].view(similarity_matrix.shape[0], -1)
    positives = similarity_matrix[labels.bool()].view(labels.shape[0], -1)
    negatives = similarity_matrix[~labels.bool()].view(similarity_matrix.shape[0], -1)
    logits = torch.cat([positives, negatives], dim=1)
    labels = torch.zeros(logits.shape[0], dtype=torch.long)
    logits = logits / temperature
    return logits, labels
torch.manual_seed(0)
f = torch.randn(6, 8, requires_grad=True)
logits, labels = info_nce_loss(f)
criterion = torch.nn.CrossEntropyLoss()
loss = criterion(logits, labels)
loss.backward()
print(loss)
"""
NT_XENT_BY_COSINE = """\
class NTXent(nn.Module):
    def __init__(self, batch_size, temperature):
        super().__init__()
        self.batch_size = batch_size
        self.temperature = temperature
        self.mask = self.mask_correlated_samples(batch_size)
        self.criterion = nn.CrossEntropyLoss(reduction="sum")
        self.similarity_f = nn.CosineSimilarity(dim=2)
    def mask_correlated_samples(self, batch_size):
        N = 2 * batch_size
        mask = torch.ones((N, N), dtype=bool)
        mask = mask.fill_diagonal_(0)
        for i in range(batch_size):
            mask[i, batch_size + i] = 0
            mask[batch_size + i, i] = 0
        return mask
    def forward(self, z_i, z_j):
        N = 2 * self.batch_size
        z = torch.cat((z_i, z_j), dim=0)
        sim = self.similarity_f(z.unsqueeze(1), z.unsqueeze(0)) / self.temperature
        sim_i_j = torch.diag(sim, self.batch_size)
        sim_j_i = torch.diag(sim, -self.batch_size)
        positive_samples = torch.cat((sim_i_j, sim_j_i), dim=0).reshape(N, 1)
        negative_samples = sim[self.mask].reshape(N, -1)
        labels = torch.zeros(N).to(positive_samples.device).long()
        logits = torch.cat((positive_samples, negative_samples), dim=1)
        loss = self.criterion(logits, labels)
        loss /= N
        return loss
torch.manual_seed(1)
z = torch.randn(3,4,requires_grad=True)
print(NTXent(3, 0.5)(z, torch.randn(3,4)))
"""
COS_FACE = """\
torch.manual_seed(0)
x = torch.randn(3, 4, requires_grad=True); w = torch.randn(5, 4); label = torch.tensor([1, 0, 4])
cosine = F.linear(F.normalize(x), F.normalize(w))
index = torch.where(label != -1)[0]
m_hot = torch.zeros(index.size()[0], cosine.size()[1])
m_hot.scatter_(1, label[index, None], 0.35)
cosine[index] -= m_hot
ret = cosine * 64.0
print(F.cross_entropy(ret, label))
"""
POLICY_WITH_ENTROPY = """\
torch.manual_seed(0)
logits = torch.randn(4, 3, requires_grad=True)
dist = torch.distributions.Categorical(logits=logits)
actions, old = torch.tensor([0, 2, 1, 1]), torch.tensor([-1.0, -0.8, -1.3, -1.1])
adv = torch.tensor([1., -0.5, 0.3, 2.])
ratio = torch.exp(dist.log_prob(actions) - old)
surr1 = ratio * adv
surr2 = torch.clamp(ratio, 1 - 0.2, 1 + 0.2) * adv
policy_loss = -torch.min(surr1, surr2).mean()
entropy = dist.entropy().mean()
loss = policy_loss - 0.01 * entropy
loss.backward()
print(loss)
"""
LINEAR_CHAIN = """\
torch.manual_seed(0)
emissions = torch.randn(5, 3, requires_grad=True); trans = torch.randn(3, 3, requires_grad=True)
tags = torch.tensor([0, 1, 2, 1, 0])
alpha = emissions[0]
for t in range(1, 5):
    alpha = torch.logsumexp(alpha.unsqueeze(1) + trans + emissions[t].unsqueeze(0), dim=0)
log_z = torch.logsumexp(alpha, dim=0)
score = emissions[0, tags[0]]
for t in range(1, 5):
    score = score + trans[tags[t-1], tags[t]] + emissions[t, tags[t]]
loss = log_z - score
loss.backward()
print(loss)
"""
ADVANTAGE = """\
rewards = [1., 0., 1.]; values = torch.tensor([0.5, 0.4, 0.7, 0.2], requires_grad=True)
gae = 0; returns = []
for t in reversed(range(3)):
    delta = rewards[t] + 0.99 * values[t + 1] - values[t]
    gae = delta + 0.99 * 0.95 * gae
    returns.insert(0, gae + values[t])
R = torch.stack(returns).detach()
loss = 0.5 * (R - values[:3]).pow(2).mean()
loss.backward()
print(loss)
"""
LOVASZ_HINGE = """\
def lovasz_grad(gt_sorted):
    p = len(gt_sorted)
    gts = gt_sorted.sum()
    intersection = gts - gt_sorted.float().cumsum(0)
    union = gts + (1 - gt_sorted).float().cumsum(0)
    jaccard = 1. - intersection / union
    if p > 1:
        jaccard[1:p] = jaccard[1:p] - jaccard[0:-1]
    return jaccard
def lovasz_hinge_flat(logits, labels):
    signs = 2. * labels.float() - 1.
    errors = (1. - logits * signs)
    errors_sorted, perm = torch.sort(errors, dim=0, descending=True)
    gt_sorted = labels[perm]
    grad = lovasz_grad(gt_sorted)
    return torch.dot(F.relu(errors_sorted), grad)
logits = torch.tensor([0.5, -1.2, 2.0, 0.1], requires_grad=True)
loss = lovasz_hinge_flat(logits, torch.tensor([1, 0, 1, 0]))
loss.backward()
print(loss)
"""
CENTER_BY_DISTANCES = """\
torch.manual_seed(0)
x, centers = torch.randn(4, 2, requires_grad=True), torch.randn(3, 2, requires_grad=True)
labels = torch.tensor([0, 1, 2, 1])
batch_size = x.size(0); num_classes = 3
distmat = torch.pow(x, 2).sum(dim=1, keepdim=True).expand(batch_size, num_classes)
distmat = distmat + torch.pow(centers, 2).sum(dim=1, keepdim=True).expand(num_classes, batch_size).t()
distmat.addmm_(x, centers.t(), beta=1, alpha=-2)
classes = torch.arange(num_classes).long()
labels = labels.unsqueeze(1).expand(batch_size, num_classes)
mask = labels.eq(classes.expand(batch_size, num_classes))
dist = distmat * mask.float()
loss = dist.clamp(min=1e-12, max=1e+12).sum() / batch_size
print(loss)
"""
CERTIFIED = {name: text for name, text in list(globals().items()) if name.isupper() and isinstance(text, str)}
