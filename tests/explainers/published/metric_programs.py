"""Losses of embeddings, pairs and sets as people write them."""

from __future__ import annotations

BATCH_HARD_MOINDROT = """\
def pairwise_distances(embeddings, squared=False):
    dot_product = torch.matmul(embeddings, embeddings.t())
    square_norm = torch.diag(dot_product)
    distances = square_norm.unsqueeze(0) - 2.0 * dot_product + square_norm.unsqueeze(1)
    distances = F.relu(distances)
    if not squared:
        mask = torch.eq(distances, 0.0).float()
        distances = distances + mask * 1e-16
        distances = torch.sqrt(distances)
        distances = distances * (1.0 - mask)
    return distances
def batch_hard_triplet_loss(labels, embeddings, margin):
    dist = pairwise_distances(embeddings)
    same = labels.unsqueeze(0) == labels.unsqueeze(1)
    mask_positive = (same & ~torch.eye(len(labels), dtype=torch.bool)).float()
    hardest_positive_dist, _ = (mask_positive * dist).max(1, keepdim=True)
    mask_negative = (~same).float()
    max_dist, _ = dist.max(1, keepdim=True)
    hardest_negative_dist, _ = (dist + max_dist * (1.0 - mask_negative)).min(1, keepdim=True)
    tl = hardest_positive_dist - hardest_negative_dist + margin
    tl[tl < 0] = 0
    return tl.mean()
torch.manual_seed(0)
embeddings = torch.randn(4, 3, requires_grad=True)
loss = batch_hard_triplet_loss(torch.tensor([0, 0, 1, 1]), embeddings, 1.0)
loss.backward()
print(loss)
"""
BATCH_HARD_REID = """\
class TripletLoss(nn.Module):
    def __init__(self, margin=0.3):
        super(TripletLoss, self).__init__()
        self.margin = margin
        self.ranking_loss = nn.MarginRankingLoss(margin=margin)
    def forward(self, inputs, targets):
        n = inputs.size(0)
        dist = torch.pow(inputs, 2).sum(dim=1, keepdim=True).expand(n, n)
        dist = dist + dist.t()
        dist.addmm_(inputs, inputs.t(), beta=1, alpha=-2)
        dist = dist.clamp(min=1e-12).sqrt()
        mask = targets.expand(n, n).eq(targets.expand(n, n).t())
        dist_ap, dist_an = [], []
        for i in range(n):
            dist_ap.append(dist[i][mask[i]].max().unsqueeze(0))
            dist_an.append(dist[i][mask[i] == 0].min().unsqueeze(0))
        dist_ap = torch.cat(dist_ap)
        dist_an = torch.cat(dist_an)
        y = torch.ones_like(dist_an)
        return self.ranking_loss(dist_an, dist_ap, y)
torch.manual_seed(0)
inputs = torch.randn(4, 3, requires_grad=True)
loss = TripletLoss()(inputs, torch.tensor([0, 0, 1, 1]))
loss.backward()
print(loss)
"""
ARC_FACE = """\
import math
class ArcFace(nn.Module):
    def __init__(self, in_features, out_features, s=30.0, m=0.50):
        super().__init__()
        self.s, self.m = s, m
        self.weight = nn.Parameter(torch.FloatTensor(out_features, in_features))
        nn.init.xavier_uniform_(self.weight)
        self.cos_m, self.sin_m = math.cos(m), math.sin(m)
        self.th, self.mm = math.cos(math.pi - m), math.sin(math.pi - m) * m
    def forward(self, input, label):
        cosine = F.linear(F.normalize(input), F.normalize(self.weight))
        sine = torch.sqrt((1.0 - torch.pow(cosine, 2)).clamp(0, 1))
        phi = cosine * self.cos_m - sine * self.sin_m
        phi = torch.where(cosine > self.th, phi, cosine - self.mm)
        one_hot = torch.zeros(cosine.size())
        one_hot.scatter_(1, label.view(-1, 1).long(), 1)
        output = (one_hot * phi) + ((1.0 - one_hot) * cosine)
        output *= self.s
        return output
torch.manual_seed(0)
x = torch.randn(3, 4, requires_grad=True)
y = torch.tensor([0, 2, 1])
loss = F.cross_entropy(ArcFace(4, 3)(x, y), y)
loss.backward()
print(loss)
"""
ARC_FACE_BY_ACOS = """\
torch.manual_seed(0)
x = torch.randn(3, 4, requires_grad=True)
W = torch.randn(5, 4, requires_grad=True)
labels = torch.tensor([0, 2, 1])
cosine = F.linear(F.normalize(x), F.normalize(W)).clamp(-1 + 1e-7, 1 - 1e-7)
theta = torch.acos(cosine)
m_hot = torch.zeros_like(cosine)
m_hot.scatter_(1, labels[:, None], 0.5)
logits = 8.0 * torch.cos(theta + m_hot)
loss = F.cross_entropy(logits, labels)
loss.backward()
print(loss)
"""
COS_FACE_BY_GATHER = """\
torch.manual_seed(0)
emb = F.normalize(torch.randn(3, 4, requires_grad=True))
weight = F.normalize(torch.randn(5, 4, requires_grad=True))
y = torch.tensor([0, 2, 1])
wf = emb @ weight.t()
numerator = 8.0 * (torch.diagonal(wf.transpose(0, 1)[y]) - 0.4)
excl = torch.cat([torch.cat((wf[i, :t], wf[i, t+1:])).unsqueeze(0) for i, t in enumerate(y)], dim=0)
denominator = torch.exp(numerator) + torch.sum(torch.exp(8.0 * excl), dim=1)
print(-torch.mean(numerator - torch.log(denominator)))
"""
CIRCLE = """\
def convert_label_to_similarity(normed_feature, label):
    similarity_matrix = normed_feature @ normed_feature.transpose(1, 0)
    label_matrix = label.unsqueeze(1) == label.unsqueeze(0)
    positive_matrix = label_matrix.triu(diagonal=1)
    negative_matrix = label_matrix.logical_not().triu(diagonal=1)
    similarity_matrix = similarity_matrix.view(-1)
    return similarity_matrix[positive_matrix.view(-1)], similarity_matrix[negative_matrix.view(-1)]
class CircleLoss(nn.Module):
    def __init__(self, m, gamma):
        super().__init__()
        self.m, self.gamma, self.soft_plus = m, gamma, nn.Softplus()
    def forward(self, sp, sn):
        ap = torch.clamp_min(-sp.detach() + 1 + self.m, min=0.)
        an = torch.clamp_min(sn.detach() + self.m, min=0.)
        delta_p, delta_n = 1 - self.m, self.m
        logit_p = -ap * (sp - delta_p) * self.gamma
        logit_n = an * (sn - delta_n) * self.gamma
        return self.soft_plus(torch.logsumexp(logit_n, dim=0) + torch.logsumexp(logit_p, dim=0))
torch.manual_seed(0)
feat = F.normalize(torch.randn(6, 4, requires_grad=True))
loss = CircleLoss(m=0.25, gamma=4)(*convert_label_to_similarity(feat, torch.tensor([0, 0, 1, 1, 2, 2])))
loss.backward()
print(loss)
"""
MULTI_SIMILARITY = """\
class MultiSimilarityLoss(nn.Module):
    def __init__(self):
        super().__init__()
        self.thresh, self.margin, self.scale_pos, self.scale_neg = 0.5, 0.1, 2.0, 8.0
    def forward(self, feats, labels):
        batch_size = feats.size(0)
        sim_mat = torch.matmul(feats, torch.t(feats))
        epsilon = 1e-5
        loss = list()
        for i in range(batch_size):
            pos_pair_ = sim_mat[i][labels == labels[i]]
            pos_pair_ = pos_pair_[pos_pair_ < 1 - epsilon]
            neg_pair_ = sim_mat[i][labels != labels[i]]
            neg_pair = neg_pair_[neg_pair_ + self.margin > min(pos_pair_)]
            pos_pair = pos_pair_[pos_pair_ - self.margin < max(neg_pair_)]
            if len(neg_pair) < 1 or len(pos_pair) < 1:
                continue
            pos_loss = 1.0 / self.scale_pos * torch.log(
                1 + torch.sum(torch.exp(-self.scale_pos * (pos_pair - self.thresh))))
            neg_loss = 1.0 / self.scale_neg * torch.log(
                1 + torch.sum(torch.exp(self.scale_neg * (neg_pair - self.thresh))))
            loss.append(pos_loss + neg_loss)
        return sum(loss) / batch_size
torch.manual_seed(0)
feats = F.normalize(torch.randn(6, 3, requires_grad=True))
loss = MultiSimilarityLoss()(feats, torch.tensor([0, 0, 1, 1, 2, 2]))
loss.backward()
print(loss)
"""
CHAMFER = """\
def chamfer_distance(p1, p2):
    dist = torch.cdist(p1, p2) ** 2
    return dist.min(2)[0].mean() + dist.min(1)[0].mean()
torch.manual_seed(0)
p1 = torch.randn(1, 4, 3, requires_grad=True)
loss = chamfer_distance(p1, torch.randn(1, 5, 3))
loss.backward()
print(loss)
"""
CHAMFER_BY_BMM = """\
def batch_pairwise_dist(x, y):
    bs, num_points_x, points_dim = x.size()
    _, num_points_y, _ = y.size()
    xx = torch.bmm(x, x.transpose(2, 1))
    yy = torch.bmm(y, y.transpose(2, 1))
    zz = torch.bmm(x, y.transpose(2, 1))
    diag_ind_x = torch.arange(0, num_points_x)
    diag_ind_y = torch.arange(0, num_points_y)
    rx = xx[:, diag_ind_x, diag_ind_x].unsqueeze(1).expand_as(zz.transpose(2, 1))
    ry = yy[:, diag_ind_y, diag_ind_y].unsqueeze(1).expand_as(zz)
    return rx.transpose(2, 1) + ry - 2 * zz
torch.manual_seed(0)
x = torch.randn(2, 4, 3, requires_grad=True)
P = batch_pairwise_dist(x, torch.randn(2, 5, 3))
mins, _ = torch.min(P, 1)
loss_1 = torch.sum(mins)
mins, _ = torch.min(P, 2)
loss_2 = torch.sum(mins)
print(loss_1 + loss_2)
"""
HAUSDORFF = """\
def averaged_hausdorff(set1, set2):
    d2_matrix = torch.cdist(set1, set2, p=2)
    term_1 = torch.max(torch.min(d2_matrix, 1)[0])
    term_2 = torch.max(torch.min(d2_matrix, 0)[0])
    return torch.max(term_1, term_2)
a = torch.tensor([[0.0, 0.1], [1.0, 0.5], [0.3, 2.0]], requires_grad=True)
loss = averaged_hausdorff(a, torch.tensor([[0.2, 0.0], [1.5, 1.0]]))
loss.backward()
print(loss)
"""
SINKHORN = """\
def sinkhorn(a, b, C, eps=0.5, n_iter=5):
    f, g = torch.zeros_like(a), torch.zeros_like(b)
    for _ in range(n_iter):
        f = -eps * torch.logsumexp((g[None, :] - C) / eps + torch.log(b)[None, :], dim=1)
        g = -eps * torch.logsumexp((f[:, None] - C) / eps + torch.log(a)[:, None], dim=0)
    P = torch.exp((f[:, None] + g[None, :] - C) / eps) * a[:, None] * b[None, :]
    return (P * C).sum()
x = torch.tensor([[0.0, 0.1], [1.0, 0.5], [0.3, 2.0]], requires_grad=True)
y = torch.tensor([[0.2, 0.0], [1.5, 1.0]])
C = torch.cdist(x, y, p=2) ** 2
loss = sinkhorn(torch.full((3,), 1 / 3), torch.full((2,), 0.5), C)
loss.backward()
print(loss)
"""
SINKHORN_KNOPP = """\
x = torch.tensor([[0.0], [1.0], [2.0]], requires_grad=True)
y = torch.tensor([[0.5], [1.5], [1.0]])
M = (x - y.t()).pow(2)
K = torch.exp(-M / 0.5)
u = torch.ones(3) / 3
for _ in range(4):
    v = (torch.ones(3) / 3) / (K.t() @ u)
    u = (torch.ones(3) / 3) / (K @ v)
T = torch.diag(u) @ K @ torch.diag(v)
print((T * M).sum())
"""
SLICED_WASSERSTEIN = """\
torch.manual_seed(0)
x = torch.randn(5, 2, requires_grad=True)
y = torch.randn(5, 2)
theta = torch.randn(3, 2)
theta = theta / theta.norm(dim=1, keepdim=True)
px, py = x @ theta.t(), y @ theta.t()
loss = (torch.sort(px, dim=0)[0] - torch.sort(py, dim=0)[0]).pow(2).mean()
loss.backward()
print(loss)
"""
SQUARED_EMD = """\
def emd_loss(p_target, p_estimate, r=2):
    cdf_target = torch.cumsum(p_target, dim=1)
    cdf_estimate = torch.cumsum(p_estimate, dim=1)
    cdf_diff = cdf_estimate - cdf_target
    samplewise_emd = torch.sqrt(torch.mean(torch.pow(torch.abs(cdf_diff), r), dim=1))
    return samplewise_emd.mean()
z = torch.tensor([[0.1, 0.5, -0.2, 0.3], [1.0, 0.2, 0.0, -0.7]], requires_grad=True)
loss = emd_loss(torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.5, 0.25, 0.125, 0.125]]), z.softmax(1))
loss.backward()
print(loss)
"""
MMD_RBF = """\
def guassian_kernel(source, target, kernel_mul=2.0, kernel_num=3):
    n_samples = int(source.size()[0]) + int(target.size()[0])
    total = torch.cat([source, target], dim=0)
    total0 = total.unsqueeze(0).expand(int(total.size(0)), int(total.size(0)), int(total.size(1)))
    total1 = total.unsqueeze(1).expand(int(total.size(0)), int(total.size(0)), int(total.size(1)))
    L2_distance = ((total0 - total1) ** 2).sum(2)
    bandwidth = torch.sum(L2_distance.data) / (n_samples ** 2 - n_samples)
    bandwidth /= kernel_mul ** (kernel_num // 2)
    bandwidth_list = [bandwidth * (kernel_mul ** i) for i in range(kernel_num)]
    return sum([torch.exp(-L2_distance / bw) for bw in bandwidth_list])
torch.manual_seed(0)
source, target = torch.randn(3, 2, requires_grad=True), torch.randn(3, 2)
kernels = guassian_kernel(source, target)
XX, YY, XY, YX = kernels[:3, :3], kernels[3:, 3:], kernels[:3, 3:], kernels[3:, :3]
loss = torch.mean(XX + YY - XY - YX)
loss.backward()
print(loss)
"""
CORAL = """\
def coral(source, target):
    d = source.size(1)
    ns, nt = source.size(0), target.size(0)
    tmp_s = torch.ones((1, ns)) @ source
    cs = (source.t() @ source - (tmp_s.t() @ tmp_s) / ns) / (ns - 1)
    tmp_t = torch.ones((1, nt)) @ target
    ct = (target.t() @ target - (tmp_t.t() @ tmp_t) / nt) / (nt - 1)
    loss = (cs - ct).pow(2).sum().sqrt()
    return loss / (4 * d * d)
torch.manual_seed(0)
s = torch.randn(5, 3, requires_grad=True)
print(coral(s, torch.randn(4, 3)))
"""
LIFTED_STRUCTURE = """\
torch.manual_seed(0)
emb = torch.randn(4, 3, requires_grad=True)
labels = torch.tensor([0, 0, 1, 1])
margin, loss, counter = 1.0, 0, 0
score = torch.cdist(emb, emb)
for i in range(4):
    for j in range(i + 1, 4):
        if labels[i] == labels[j]:
            neg_i = (margin - score[i][labels != labels[i]]).exp().sum()
            neg_j = (margin - score[j][labels != labels[j]]).exp().sum()
            loss = loss + F.relu(torch.log(neg_i + neg_j) + score[i, j]) ** 2
            counter += 1
loss = loss / (2 * counter)
loss.backward()
print(loss)
"""
PROXY_NCA = """\
torch.manual_seed(0)
X = torch.randn(3, 4, requires_grad=True)
P = torch.randn(5, 4, requires_grad=True)
T = torch.tensor([0, 4, 2])
D = torch.cdist(3 * F.normalize(P, p=2, dim=-1), 3 * F.normalize(X, p=2, dim=-1)).square().t()
onehot = F.one_hot(T, 5).float()
loss = torch.sum(-onehot * F.log_softmax(-D, -1), -1).mean()
loss.backward()
print(loss)
"""
HISTOGRAM_OF_BINS = """\
labels = torch.tensor([0, 2, 2, 1, 2])
counts = torch.bincount(labels, minlength=3).float()
weights = counts.sum() / (len(counts) * counts)
logits = torch.tensor([[1., 0., 0.5], [0.2, 0.1, 0.9], [0., 0., 1.], [0.3, 2., 1.], [1., 1., 1.]], requires_grad=True)
log_p = logits.log_softmax(1)
loss = -(weights[labels] * log_p[torch.arange(5), labels]).sum() / weights[labels].sum()
loss.backward()
print(loss)
"""
CERTIFIED = {name: text for name, text in list(globals().items()) if name.isupper() and isinstance(text, str)}
