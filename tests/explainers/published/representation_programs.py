"""Self-supervised, adversarial and energy-based losses as people write them."""

from __future__ import annotations

BARLOW_TWINS = """\
def off_diagonal(x):
    n, m = x.shape
    assert n == m
    return x.flatten()[:-1].view(n - 1, n + 1)[:, 1:].flatten()
torch.manual_seed(0)
z_a, z_b = torch.randn(4, 3, requires_grad=True), torch.randn(4, 3)
z_a_norm = (z_a - z_a.mean(0)) / z_a.std(0)
z_b_norm = (z_b - z_b.mean(0)) / z_b.std(0)
c = torch.mm(z_a_norm.T, z_b_norm) / 4
on_diag = torch.diagonal(c).add_(-1).pow_(2).sum()
off_diag = off_diagonal(c).pow_(2).sum()
loss = on_diag + 0.0051 * off_diag
loss.backward()
print(loss)
"""
VICREG = """\
def off_diagonal(x):
    n, m = x.shape
    return x.flatten()[:-1].view(n - 1, n + 1)[:, 1:].flatten()
torch.manual_seed(0)
x, y = torch.randn(4, 3, requires_grad=True), torch.randn(4, 3)
repr_loss = F.mse_loss(x, y)
x = x - x.mean(dim=0)
y = y - y.mean(dim=0)
std_x = torch.sqrt(x.var(dim=0) + 0.0001)
std_y = torch.sqrt(y.var(dim=0) + 0.0001)
std_loss = torch.mean(F.relu(1 - std_x)) / 2 + torch.mean(F.relu(1 - std_y)) / 2
cov_x = (x.T @ x) / (4 - 1)
cov_y = (y.T @ y) / (4 - 1)
cov_loss = off_diagonal(cov_x).pow_(2).sum().div(3) + off_diagonal(cov_y).pow_(2).sum().div(3)
loss = 25 * repr_loss + 25 * std_loss + cov_loss
loss.backward()
print(loss)
"""
BYOL = """\
def loss_fn(x, y):
    x = F.normalize(x, dim=-1, p=2)
    y = F.normalize(y, dim=-1, p=2)
    return 2 - 2 * (x * y).sum(dim=-1)
torch.manual_seed(0)
p1, p2 = torch.randn(3, 4, requires_grad=True), torch.randn(3, 4, requires_grad=True)
z1, z2 = torch.randn(3, 4), torch.randn(3, 4)
loss = (loss_fn(p1, z2.detach()) + loss_fn(p2, z1.detach())).mean()
loss.backward()
print(loss)
"""
SIMSIAM = """\
def D(p, z):
    z = z.detach()
    p = F.normalize(p, dim=1)
    z = F.normalize(z, dim=1)
    return -(p * z).sum(dim=1).mean()
torch.manual_seed(0)
p1, z1 = torch.randn(3, 4, requires_grad=True), torch.randn(3, 4, requires_grad=True)
p2, z2 = torch.randn(3, 4, requires_grad=True), torch.randn(3, 4, requires_grad=True)
L = D(p1, z2) / 2 + D(p2, z1) / 2
L.backward()
print(L)
"""
SUP_CON_MOINDROT = """\
class SupConLoss(nn.Module):
    def __init__(self, temperature=0.5, base_temperature=0.5):
        super().__init__()
        self.temperature, self.base_temperature = temperature, base_temperature
    def forward(self, features, labels):
        batch_size = features.shape[0]
        labels = labels.contiguous().view(-1, 1)
        mask = torch.eq(labels, labels.T).float()
        contrast_count = features.shape[1]
        contrast_feature = torch.cat(torch.unbind(features, dim=1), dim=0)
        anchor_feature, anchor_count = contrast_feature, contrast_count
        anchor_dot_contrast = torch.div(torch.matmul(anchor_feature, contrast_feature.T), self.temperature)
        logits_max, _ = torch.max(anchor_dot_contrast, dim=1, keepdim=True)
        logits = anchor_dot_contrast - logits_max.detach()
        mask = mask.repeat(anchor_count, contrast_count)
        logits_mask = torch.scatter(torch.ones_like(mask), 1, torch.arange(batch_size * anchor_count).view(-1, 1), 0)
        mask = mask * logits_mask
        exp_logits = torch.exp(logits) * logits_mask
        log_prob = logits - torch.log(exp_logits.sum(1, keepdim=True))
        mean_log_prob_pos = (mask * log_prob).sum(1) / mask.sum(1)
        loss = -(self.temperature / self.base_temperature) * mean_log_prob_pos
        return loss.view(anchor_count, batch_size).mean()
torch.manual_seed(0)
feats = F.normalize(torch.randn(3, 2, 4, requires_grad=True), dim=2)
loss = SupConLoss()(feats, torch.tensor([0, 1, 0]))
loss.backward()
print(loss)
"""
DINO = """\
torch.manual_seed(0)
student_output = torch.randn(4, 3, requires_grad=True)
teacher_output = torch.randn(4, 3)
center = torch.zeros(1, 3)
student_out = (student_output / 0.1).chunk(2)
teacher_out = F.softmax((teacher_output - center) / 0.04, dim=-1).detach().chunk(2)
total_loss, n_loss_terms = 0, 0
for iq, q in enumerate(teacher_out):
    for v in range(len(student_out)):
        if v == iq:
            continue
        loss = torch.sum(-q * F.log_softmax(student_out[v], dim=-1), dim=-1)
        total_loss += loss.mean()
        n_loss_terms += 1
total_loss /= n_loss_terms
total_loss.backward()
print(total_loss)
"""
ALIGN_UNIFORM = """\
def align_loss(x, y, alpha=2):
    return (x - y).norm(p=2, dim=1).pow(alpha).mean()
def uniform_loss(x, t=2):
    return torch.pdist(x, p=2).pow(2).mul(-t).exp().mean().log()
torch.manual_seed(0)
x = F.normalize(torch.randn(4, 3, requires_grad=True), dim=1)
y = F.normalize(torch.randn(4, 3), dim=1)
loss = align_loss(x, y) + (uniform_loss(x) + uniform_loss(y)) / 2
loss.backward()
print(loss)
"""
GRADIENT_PENALTY = """\
def compute_gradient_penalty(D, real_samples, fake_samples):
    alpha = torch.rand(real_samples.size(0), 1)
    interpolates = (alpha * real_samples + ((1 - alpha) * fake_samples)).requires_grad_(True)
    d_interpolates = D(interpolates)
    fake = torch.ones(real_samples.shape[0], 1)
    gradients = torch.autograd.grad(outputs=d_interpolates, inputs=interpolates, grad_outputs=fake,
                                    create_graph=True, retain_graph=True, only_inputs=True)[0]
    gradients = gradients.view(gradients.size(0), -1)
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean()
torch.manual_seed(0)
D = nn.Sequential(nn.Linear(3, 4), nn.LeakyReLU(0.2), nn.Linear(4, 1))
real, fake = torch.randn(2, 3), torch.randn(2, 3)
loss = -D(real).mean() + D(fake).mean() + 10 * compute_gradient_penalty(D, real, fake)
loss.backward()
print(loss)
"""
R1_PENALTY = """\
W = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)
x = torch.tensor([[0.2, 0.4, -0.1], [1.0, -0.3, 0.6]], requires_grad=True)
score = torch.tanh(x @ W)
grad, = torch.autograd.grad(score.sum(), x, create_graph=True)
penalty = grad.pow(2).reshape(2, -1).sum(1).mean()
loss = F.softplus(-score).mean() + 5.0 * penalty
loss.backward()
print(loss)
"""
PHYSICS_INFORMED = """\
t = torch.linspace(0, 1, 5).view(-1, 1).requires_grad_(True)
a = torch.tensor(0.7, requires_grad=True)
b = torch.tensor(-0.3, requires_grad=True)
u = torch.exp(a * t) * torch.cos(b * t)
u_t = torch.autograd.grad(u, t, torch.ones_like(u), create_graph=True)[0]
u_tt = torch.autograd.grad(u_t, t, torch.ones_like(u_t), create_graph=True)[0]
loss = (u_tt + 2.0 * u_t + u).pow(2).mean()
loss.backward()
print(loss)
"""
HINGE_GAN = """\
torch.manual_seed(0)
d_real, d_fake = torch.randn(4, 1, requires_grad=True), torch.randn(4, 1, requires_grad=True)
d_loss_real = torch.mean(F.relu(1. - d_real))
d_loss_fake = torch.mean(F.relu(1. + d_fake))
loss = d_loss_real + d_loss_fake
loss.backward()
print(loss)
"""
ENERGY_BASED = """\
logits = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.7], [3.0, 1.0, 0.0], [0.5, 0.5, 0.4]], requires_grad=True)
target = torch.tensor([0, 2])
loss = F.cross_entropy(logits[:2], target)
Ec_out = -torch.logsumexp(logits[2:], dim=1)
Ec_in = -torch.logsumexp(logits[:2], dim=1)
loss = loss + 0.1 * (torch.pow(F.relu(Ec_in + 5.0), 2).mean() + torch.pow(F.relu(-1.0 - Ec_out), 2).mean())
loss.backward()
print(loss)
"""
DENOISING_DIFFUSION = """\
torch.manual_seed(0)
betas = torch.linspace(1e-4, 0.02, 10)
alphas_cumprod = torch.cumprod(1. - betas, dim=0)
x0 = torch.rand(2, 3)
t = torch.tensor([3, 7])
noise = torch.randn_like(x0)
a = alphas_cumprod[t].sqrt().view(-1, 1)
s = (1. - alphas_cumprod[t]).sqrt().view(-1, 1)
x_noisy = a * x0 + s * noise
W = torch.randn(3, 3, requires_grad=True)
loss = F.mse_loss(x_noisy @ W, noise)
loss.backward()
print(loss)
"""
VQ_VAE = """\
torch.manual_seed(0)
inputs = torch.randn(3, 2, requires_grad=True)
codebook = torch.randn(4, 2, requires_grad=True)
distances = (torch.sum(inputs**2, dim=1, keepdim=True) + torch.sum(codebook**2, dim=1)
             - 2 * torch.matmul(inputs, codebook.t()))
encoding_indices = torch.argmin(distances, dim=1).unsqueeze(1)
encodings = torch.zeros(encoding_indices.shape[0], 4)
encodings.scatter_(1, encoding_indices, 1)
quantized = torch.matmul(encodings, codebook)
e_latent_loss = F.mse_loss(quantized.detach(), inputs)
q_latent_loss = F.mse_loss(quantized, inputs.detach())
loss = q_latent_loss + 0.25 * e_latent_loss
loss.backward()
print(loss)
"""
CERTIFIED = {name: text for name, text in list(globals().items()) if name.isupper() and isinstance(text, str)}
