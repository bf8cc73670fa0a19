"""Negative log-likelihoods and divergences of distributions as people write them."""

from __future__ import annotations

NEGATIVE_BINOMIAL = """\
def nb_loss(y, mu, theta, eps=1e-8):
    log_theta_mu_eps = torch.log(theta + mu + eps)
    res = (theta * (torch.log(theta + eps) - log_theta_mu_eps)
           + y * (torch.log(mu + eps) - log_theta_mu_eps)
           + torch.lgamma(y + theta) - torch.lgamma(theta) - torch.lgamma(y + 1))
    return -res.mean()
mu = torch.tensor([1.5, 3.0, 0.7], requires_grad=True)
theta = torch.tensor([2.0, 1.2, 0.8], requires_grad=True)
loss = nb_loss(torch.tensor([2.0, 0.0, 5.0]), mu, theta)
loss.backward()
print(loss)
"""
ZERO_INFLATED_NB = """\
def zinb(x, mu, theta, pi, eps=1e-8):
    softplus_pi = F.softplus(-pi)
    log_theta_eps = torch.log(theta + eps)
    log_theta_mu_eps = torch.log(theta + mu + eps)
    pi_theta_log = -pi + theta * (log_theta_eps - log_theta_mu_eps)
    case_zero = F.softplus(pi_theta_log) - softplus_pi
    mul_case_zero = torch.mul((x < eps).type(torch.float32), case_zero)
    case_non_zero = (-softplus_pi + pi_theta_log + x * (torch.log(mu + eps) - log_theta_mu_eps)
                     + torch.lgamma(x + theta) - torch.lgamma(theta) - torch.lgamma(x + 1))
    mul_case_non_zero = torch.mul((x > eps).type(torch.float32), case_non_zero)
    return -(mul_case_zero + mul_case_non_zero).sum()
mu = torch.tensor([1.5, 3.0, 0.7], requires_grad=True)
theta = torch.tensor([2.0, 1.2, 0.8], requires_grad=True)
pi = torch.tensor([0.1, -0.5, 0.3], requires_grad=True)
print(zinb(torch.tensor([2.0, 0.0, 5.0]), mu, theta, pi))
"""
WEIBULL = """\
def weibull_loglik_discrete(y_true, y_pred, epsilon=1e-10):
    y, u = y_true[:, 0], y_true[:, 1]
    a, b = y_pred[:, 0], y_pred[:, 1]
    hazard0 = torch.pow((y + epsilon) / a, b)
    hazard1 = torch.pow((y + 1.0) / a, b)
    return -1 * torch.mean(u * torch.log(torch.exp(hazard1 - hazard0) - (1.0 - epsilon)) - hazard1)
y_pred = torch.tensor([[2.0, 1.5], [5.0, 0.9], [3.0, 1.2]], requires_grad=True)
loss = weibull_loglik_discrete(torch.tensor([[1.0, 1.0], [4.0, 0.0], [2.0, 1.0]]), y_pred)
loss.backward()
print(loss)
"""
BETA_BY_LGAMMA = """\
alpha = torch.tensor([2.0, 0.7], requires_grad=True)
beta = torch.tensor([3.0, 1.4], requires_grad=True)
y = torch.tensor([0.3, 0.8])
log_b = torch.lgamma(alpha) + torch.lgamma(beta) - torch.lgamma(alpha + beta)
nll = log_b - (alpha - 1) * torch.log(y) - (beta - 1) * torch.log1p(-y)
print(nll.mean())
"""
DIRICHLET = """\
alpha = torch.tensor([[2.0, 0.5, 1.5], [1.2, 3.0, 0.8]], requires_grad=True)
p = torch.tensor([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
loss = -torch.distributions.Dirichlet(alpha).log_prob(p).mean()
loss.backward()
print(loss)
"""
EVIDENTIAL_REGRESSION = """\
import numpy as np
def NIG_NLL(y, gamma, v, alpha, beta):
    twoBlambda = 2 * beta * (1 + v)
    nll = (0.5 * torch.log(np.pi / v) - alpha * torch.log(twoBlambda)
           + (alpha + 0.5) * torch.log(v * (y - gamma) ** 2 + twoBlambda)
           + torch.lgamma(alpha) - torch.lgamma(alpha + 0.5))
    return nll.mean()
def NIG_Reg(y, gamma, v, alpha):
    return ((y - gamma).abs() * (2 * v + alpha)).mean()
out = torch.tensor([[0.1, 0.5, 0.2, 0.3], [1.0, -0.3, 0.7, 0.1]], requires_grad=True)
gamma, logv, logalpha, logbeta = out.chunk(4, dim=1)
v, alpha, beta = F.softplus(logv), F.softplus(logalpha) + 1, F.softplus(logbeta)
y = torch.tensor([[0.4], [0.9]])
loss = NIG_NLL(y, gamma, v, alpha, beta) + 0.01 * NIG_Reg(y, gamma, v, alpha)
loss.backward()
print(loss)
"""
EVIDENTIAL_CLASSES = """\
def kl_divergence(alpha, num_classes):
    ones = torch.ones([1, num_classes], dtype=torch.float32)
    sum_alpha = torch.sum(alpha, dim=1, keepdim=True)
    first_term = (torch.lgamma(sum_alpha) - torch.lgamma(alpha).sum(dim=1, keepdim=True)
                  + torch.lgamma(ones).sum(dim=1, keepdim=True) - torch.lgamma(ones.sum(dim=1, keepdim=True)))
    second_term = (alpha - ones).mul(torch.digamma(alpha) - torch.digamma(sum_alpha)).sum(dim=1, keepdim=True)
    return first_term + second_term
def edl_digamma_loss(output, target, num_classes, annealing):
    alpha = F.relu(output) + 1
    S = torch.sum(alpha, dim=1, keepdim=True)
    A = torch.sum(target * (torch.digamma(S) - torch.digamma(alpha)), dim=1, keepdim=True)
    kl_alpha = (alpha - 1) * (1 - target) + 1
    return torch.mean(A + annealing * kl_divergence(kl_alpha, num_classes))
out = torch.tensor([[1.0, 0.2, -0.3], [0.5, 2.0, 0.1]], requires_grad=True)
loss = edl_digamma_loss(out, F.one_hot(torch.tensor([0, 1]), 3).float(), 3, 0.5)
loss.backward()
print(loss)
"""
VON_MISES = """\
mu = torch.tensor([0.3, -1.0], requires_grad=True)
kappa = torch.tensor([1.5, 4.0], requires_grad=True)
angle = torch.tensor([0.1, 2.0])
nll = torch.log(2 * torch.pi * torch.special.i0(kappa)) - kappa * torch.cos(angle - mu)
loss = nll.mean()
loss.backward()
print(loss)
"""
MIXTURE_DENSITY = """\
torch.manual_seed(0)
pi_logits = torch.randn(3, 2, requires_grad=True)
mu = torch.randn(3, 2, requires_grad=True)
log_sigma = torch.randn(3, 2, requires_grad=True)
y = torch.randn(3, 1)
log_pi = F.log_softmax(pi_logits, dim=1)
normal = torch.distributions.Normal(mu, log_sigma.exp())
loss = -torch.logsumexp(log_pi + normal.log_prob(y), dim=1).mean()
loss.backward()
print(loss)
"""
MIXTURE_SAME_FAMILY = """\
import torch.distributions as D
logits = torch.tensor([0.2, -0.4], requires_grad=True)
mu = torch.tensor([-1.0, 1.5], requires_grad=True)
gmm = D.MixtureSameFamily(D.Categorical(logits=logits), D.Normal(mu, torch.tensor([0.5, 0.8])))
print(-gmm.log_prob(torch.tensor([0.3, -1.2, 2.0])).mean())
"""
ELBO_REPARAMETERISED = """\
torch.manual_seed(0)
x = torch.rand(2, 3)
mu = torch.tensor([[0.1, -0.2], [0.3, 0.4]], requires_grad=True)
logvar = torch.tensor([[0.0, -0.5], [0.2, -0.1]], requires_grad=True)
W = torch.randn(2, 3, requires_grad=True)
std = torch.exp(0.5 * logvar)
eps = torch.randn_like(std)
z = mu + eps * std
recon = torch.sigmoid(z @ W)
q = torch.distributions.Normal(mu, std)
p = torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(std))
kl = torch.distributions.kl_divergence(q, p).sum(1).mean()
rec = F.binary_cross_entropy(recon, x, reduction='none').sum(1).mean()
loss = rec + kl
loss.backward()
print(loss)
"""
NORMAL_LOG_PROB = """\
from torch.distributions import Normal
mean = torch.tensor([0.5, -0.2, 1.0], requires_grad=True)
std = F.softplus(torch.tensor([0.1, 0.3, -0.4], requires_grad=True))
loss = -Normal(mean, std).log_prob(torch.tensor([0.1, 0.0, 2.0])).mean()
loss.backward()
print(loss)
"""
BERNOULLI_LOG_PROB = """\
from torch.distributions import Bernoulli
logits = torch.tensor([0.5, -1.2, 0.3], requires_grad=True)
dist = Bernoulli(logits=logits)
print(-dist.log_prob(torch.tensor([1., 0., 1.])).mean() - 0.01 * dist.entropy().mean())
"""
GAMMA_AND_POISSON = """\
import torch.distributions as D
conc = torch.tensor([1.5, 2.5], requires_grad=True)
rate = torch.tensor([0.5, 1.2], requires_grad=True)
lam = torch.tensor([2.0, 0.4], requires_grad=True)
loss = -D.Gamma(conc, rate).log_prob(torch.tensor([1.0, 0.8])).mean()
loss = loss - D.Poisson(lam).log_prob(torch.tensor([3.0, 0.0])).mean()
loss.backward()
print(loss)
"""
STUDENT_T = """\
df = torch.tensor([3.0, 5.0], requires_grad=True)
loc = torch.tensor([0.1, -0.4], requires_grad=True)
print(-torch.distributions.StudentT(df, loc, torch.tensor([1.0, 0.5])).log_prob(torch.tensor([0.7, 0.2])).mean())
"""
MULTIVARIATE_NORMAL = """\
mu = torch.tensor([0.1, -0.4], requires_grad=True)
L = torch.tensor([[1.0, 0.0], [0.3, 0.8]], requires_grad=True)
d = torch.distributions.MultivariateNormal(mu, scale_tril=L)
print(-d.log_prob(torch.tensor([[0.7, 0.2], [0.0, 0.0]])).mean())
"""
KL_OF_CATEGORICALS = """\
from torch.distributions import Categorical, kl_divergence
new = torch.tensor([[0.5, 1.0, -0.2], [0.1, 0.0, 0.3]], requires_grad=True)
old = torch.tensor([[0.3, 0.8, 0.0], [0.2, -0.1, 0.5]])
loss = kl_divergence(Categorical(logits=old), Categorical(logits=new)).mean()
loss.backward()
print(loss)
"""
CRPS_OF_A_NORMAL = """\
import math
def crps_gaussian(mu, sigma, y):
    z = (y - mu) / sigma
    pdf = torch.exp(-0.5 * z ** 2) / math.sqrt(2 * math.pi)
    cdf = 0.5 * (1 + torch.erf(z / math.sqrt(2)))
    return (sigma * (z * (2 * cdf - 1) + 2 * pdf - 1 / math.sqrt(math.pi))).mean()
mu = torch.tensor([0.1, 0.5, -0.3], requires_grad=True)
sigma = torch.tensor([0.5, 1.0, 0.8], requires_grad=True)
loss = crps_gaussian(mu, sigma, torch.tensor([0.3, -0.2, 0.0]))
loss.backward()
print(loss)
"""
CRPS_OF_AN_ENSEMBLE = """\
def crps_ensemble(preds, y):
    m = preds.shape[1]
    skill = (preds - y[:, None]).abs().mean(1)
    spread = (preds[:, :, None] - preds[:, None, :]).abs().sum((1, 2)) / (2 * m * m)
    return (skill - spread).mean()
preds = torch.tensor([[0.1, 0.5, 0.9], [1.0, 1.1, 0.7]], requires_grad=True)
print(crps_ensemble(preds, torch.tensor([0.4, 1.3])))
"""
JENSEN_SHANNON_BY_KL = """\
class JSD(nn.Module):
    def __init__(self):
        super().__init__()
        self.kl = nn.KLDivLoss(reduction='batchmean', log_target=True)
    def forward(self, p, q):
        p, q = p.view(-1, p.size(-1)), q.view(-1, q.size(-1))
        m = (0.5 * (p + q)).log()
        return 0.5 * (self.kl(m, p.log()) + self.kl(m, q.log()))
x = torch.tensor([[0.5, 1.0, -0.2], [0.1, 0.0, 0.3]], requires_grad=True)
y = torch.tensor([[0.3, 0.8, 0.0], [0.2, -0.1, 0.5]])
print(JSD()(x.softmax(-1), y.softmax(-1)))
"""
GAUSSIAN_ERFC_TAIL = """\
mu = torch.tensor([0.2, -0.5, 1.5], requires_grad=True)
censored = torch.tensor([1.0, 0.0, 1.0])
y = torch.tensor([1.0, 0.3, 0.5])
z = y - mu
log_pdf = -0.5 * z ** 2 - 0.5 * torch.log(torch.tensor(2 * torch.pi))
log_sf = torch.log(0.5 * torch.erfc(z / 2 ** 0.5))
print(-(censored * log_sf + (1 - censored) * log_pdf).mean())
"""
CERTIFIED = {name: text for name, text in list(globals().items()) if name.isupper() and isinstance(text, str)}
