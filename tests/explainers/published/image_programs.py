"""Losses of images, masks and boxes as people write them: each a whole snippet whose last shown value is its loss."""

from __future__ import annotations

SSIM = """\
from math import exp
def gaussian(window_size, sigma):
    gauss = torch.Tensor([exp(-(x - window_size//2)**2/float(2*sigma**2)) for x in range(window_size)])
    return gauss/gauss.sum()
def create_window(window_size, channel):
    _1D_window = gaussian(window_size, 1.5).unsqueeze(1)
    _2D_window = _1D_window.mm(_1D_window.t()).float().unsqueeze(0).unsqueeze(0)
    return _2D_window.expand(channel, 1, window_size, window_size).contiguous()
def ssim(img1, img2, window_size=3, channel=1):
    window = create_window(window_size, channel)
    mu1 = F.conv2d(img1, window, padding=window_size//2, groups=channel)
    mu2 = F.conv2d(img2, window, padding=window_size//2, groups=channel)
    mu1_sq, mu2_sq, mu1_mu2 = mu1.pow(2), mu2.pow(2), mu1*mu2
    sigma1_sq = F.conv2d(img1*img1, window, padding=window_size//2, groups=channel) - mu1_sq
    sigma2_sq = F.conv2d(img2*img2, window, padding=window_size//2, groups=channel) - mu2_sq
    sigma12 = F.conv2d(img1*img2, window, padding=window_size//2, groups=channel) - mu1_mu2
    C1, C2 = 0.01**2, 0.03**2
    ssim_map = ((2*mu1_mu2 + C1)*(2*sigma12 + C2))/((mu1_sq + mu2_sq + C1)*(sigma1_sq + sigma2_sq + C2))
    return ssim_map.mean()
torch.manual_seed(0)
img1 = torch.rand(1, 1, 4, 4, requires_grad=True)
loss = 1 - ssim(img1, torch.rand(1, 1, 4, 4))
loss.backward()
print(loss)
"""
MONODEPTH_SSIM = """\
def SSIM(x, y):
    C1 = 0.01 ** 2
    C2 = 0.03 ** 2
    mu_x = F.avg_pool2d(x, 3, 1)
    mu_y = F.avg_pool2d(y, 3, 1)
    sigma_x = F.avg_pool2d(x ** 2, 3, 1) - mu_x ** 2
    sigma_y = F.avg_pool2d(y ** 2, 3, 1) - mu_y ** 2
    sigma_xy = F.avg_pool2d(x * y, 3, 1) - mu_x * mu_y
    n = (2 * mu_x * mu_y + C1) * (2 * sigma_xy + C2)
    d = (mu_x ** 2 + mu_y ** 2 + C1) * (sigma_x + sigma_y + C2)
    return torch.clamp((1 - n / d) / 2, 0, 1)
torch.manual_seed(1)
x = torch.rand(1, 1, 5, 5, requires_grad=True)
y = torch.rand(1, 1, 5, 5)
loss = 0.85 * SSIM(x, y).mean() + 0.15 * (x - y).abs().mean()
print(loss)
"""
SOBEL_EDGES = """\
class EdgeLoss(nn.Module):
    def __init__(self):
        super().__init__()
        k = torch.tensor([[-1., 0., 1.], [-2., 0., 2.], [-1., 0., 1.]])
        self.register_buffer('kx', k.view(1, 1, 3, 3))
        self.register_buffer('ky', k.t().reshape(1, 1, 3, 3))
    def forward(self, pred, target):
        gx = F.conv2d(pred, self.kx, padding=1) - F.conv2d(target, self.kx, padding=1)
        gy = F.conv2d(pred, self.ky, padding=1) - F.conv2d(target, self.ky, padding=1)
        return torch.sqrt(gx ** 2 + gy ** 2 + 1e-6).mean()
torch.manual_seed(0)
pred = torch.rand(1, 1, 3, 4, requires_grad=True)
loss = EdgeLoss()(pred, torch.rand(1, 1, 3, 4))
loss.backward()
print(loss)
"""
LAPLACIAN_CHARBONNIER = """\
class EdgeLoss(nn.Module):
    def __init__(self):
        super(EdgeLoss, self).__init__()
        k = torch.Tensor([[.05, .25, .4, .25, .05]])
        self.kernel = torch.matmul(k.t(), k).unsqueeze(0).repeat(1, 1, 1, 1)
    def conv_gauss(self, img):
        n_channels, _, kw, kh = self.kernel.shape
        img = F.pad(img, (kw//2, kh//2, kw//2, kh//2), mode='replicate')
        return F.conv2d(img, self.kernel, groups=n_channels)
    def laplacian_kernel(self, current):
        filtered = self.conv_gauss(current)
        down = filtered[:, :, ::2, ::2]
        new_filter = torch.zeros_like(filtered)
        new_filter[:, :, ::2, ::2] = down*4
        filtered = self.conv_gauss(new_filter)
        return current - filtered
    def forward(self, x, y):
        d = self.laplacian_kernel(x) - self.laplacian_kernel(y)
        return torch.mean(torch.sqrt(d * d + 1e-3 * 1e-3))
torch.manual_seed(0)
x = torch.rand(1, 1, 4, 4, requires_grad=True)
print(EdgeLoss()(x, torch.rand(1, 1, 4, 4)))
"""
TOTAL_VARIATION_2D = """\
class TVLoss(nn.Module):
    def __init__(self, weight=1):
        super().__init__()
        self.weight = weight
    def forward(self, x):
        batch_size, h_x, w_x = x.size()[0], x.size()[2], x.size()[3]
        count_h = self.tensor_size(x[:, :, 1:, :])
        count_w = self.tensor_size(x[:, :, :, 1:])
        h_tv = torch.pow((x[:, :, 1:, :] - x[:, :, :h_x-1, :]), 2).sum()
        w_tv = torch.pow((x[:, :, :, 1:] - x[:, :, :, :w_x-1]), 2).sum()
        return self.weight * 2 * (h_tv/count_h + w_tv/count_w)/batch_size
    def tensor_size(self, t):
        return t.size()[1]*t.size()[2]*t.size()[3]
torch.manual_seed(0)
x = torch.rand(2, 1, 3, 3, requires_grad=True)
loss = TVLoss()(x)
loss.backward()
print(loss)
"""
BOUNDARY = """\
def boundary_loss(pred, gt, theta0=3, theta=3):
    pred = torch.softmax(pred, dim=1)
    one_hot = F.one_hot(gt, 2).permute(0, 3, 1, 2).float()
    gt_b = F.max_pool2d(1 - one_hot, kernel_size=theta0, stride=1, padding=(theta0 - 1) // 2) - (1 - one_hot)
    pred_b = F.max_pool2d(1 - pred, kernel_size=theta0, stride=1, padding=(theta0 - 1) // 2) - (1 - pred)
    gt_b, pred_b = gt_b.view(1, 2, -1), pred_b.view(1, 2, -1)
    P = torch.sum(pred_b * gt_b, dim=2) / (torch.sum(pred_b, dim=2) + 1e-7)
    R = torch.sum(pred_b * gt_b, dim=2) / (torch.sum(gt_b, dim=2) + 1e-7)
    return torch.mean(1 - 2 * P * R / (P + R + 1e-7))
torch.manual_seed(0)
pred = torch.randn(1, 2, 4, 4, requires_grad=True)
gt = torch.tensor([[[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]])
print(boundary_loss(pred, gt))
"""
SOFT_CL_DICE = """\
def soft_erode(img):
    p1 = -F.max_pool2d(-img, (3, 1), (1, 1), (1, 0))
    p2 = -F.max_pool2d(-img, (1, 3), (1, 1), (0, 1))
    return torch.min(p1, p2)
def soft_dilate(img):
    return F.max_pool2d(img, (3, 3), (1, 1), (1, 1))
def soft_skel(img, iter):
    skel = F.relu(img - soft_dilate(soft_erode(img)))
    for j in range(iter):
        img = soft_erode(img)
        delta = F.relu(img - soft_dilate(soft_erode(img)))
        skel = skel + F.relu(delta - skel * delta)
    return skel
torch.manual_seed(0)
y_pred = torch.rand(1, 1, 4, 4, requires_grad=True)
y_true = (torch.rand(1, 1, 4, 4) > 0.4).float()
sp, st = soft_skel(y_pred, 1), soft_skel(y_true, 1)
tprec = (torch.sum(sp * y_true) + 1.) / (torch.sum(sp) + 1.)
tsens = (torch.sum(st * y_pred) + 1.) / (torch.sum(st) + 1.)
print(1. - 2.0 * (tprec * tsens) / (tprec + tsens))
"""
FOCAL_TVERSKY = """\
def focal_tversky(y_true, y_pred, alpha=0.7, gamma=0.75, smooth=1.):
    y_true = y_true.view(-1)
    y_pred = torch.sigmoid(y_pred).view(-1)
    tp = (y_true * y_pred).sum()
    fn = (y_true * (1 - y_pred)).sum()
    fp = ((1 - y_true) * y_pred).sum()
    ti = (tp + smooth) / (tp + alpha * fn + (1 - alpha) * fp + smooth)
    return torch.pow(1 - ti, gamma)
torch.manual_seed(0)
y_pred = torch.randn(1, 1, 3, 3, requires_grad=True)
loss = focal_tversky((torch.rand(1, 1, 3, 3) > 0.5).float(), y_pred)
loss.backward()
print(loss)
"""
LOVASZ_SOFTMAX = """\
def lovasz_grad(gt_sorted):
    p = len(gt_sorted)
    gts = gt_sorted.sum()
    intersection = gts - gt_sorted.float().cumsum(0)
    union = gts + (1 - gt_sorted).float().cumsum(0)
    jaccard = 1. - intersection / union
    if p > 1:
        jaccard[1:p] = jaccard[1:p] - jaccard[0:-1]
    return jaccard
def lovasz_softmax_flat(probas, labels):
    C = probas.size(1)
    losses = []
    for c in range(C):
        fg = (labels == c).float()
        if fg.sum() == 0:
            continue
        errors = (fg - probas[:, c]).abs()
        errors_sorted, perm = torch.sort(errors, 0, descending=True)
        fg_sorted = fg[perm]
        losses.append(torch.dot(errors_sorted, lovasz_grad(fg_sorted)))
    return sum(losses) / len(losses)
torch.manual_seed(0)
logits = torch.randn(5, 3, requires_grad=True)
loss = lovasz_softmax_flat(F.softmax(logits, dim=1), torch.tensor([0, 2, 0, 2, 0]))
loss.backward()
print(loss)
"""
CIOU_BY_ATAN2 = """\
import math
def bbox_ciou(box1, box2, eps=1e-7):
    b1_x1, b1_y1, b1_x2, b1_y2 = box1.chunk(4, -1)
    b2_x1, b2_y1, b2_x2, b2_y2 = box2.chunk(4, -1)
    w1, h1 = b1_x2 - b1_x1, (b1_y2 - b1_y1).clamp(eps)
    w2, h2 = b2_x2 - b2_x1, (b2_y2 - b2_y1).clamp(eps)
    inter = (b1_x2.minimum(b2_x2) - b1_x1.maximum(b2_x1)).clamp(0) * (
        b1_y2.minimum(b2_y2) - b1_y1.maximum(b2_y1)).clamp(0)
    union = w1 * h1 + w2 * h2 - inter + eps
    iou = inter / union
    cw = b1_x2.maximum(b2_x2) - b1_x1.minimum(b2_x1)
    ch = b1_y2.maximum(b2_y2) - b1_y1.minimum(b2_y1)
    c2 = cw.pow(2) + ch.pow(2) + eps
    rho2 = ((b2_x1 + b2_x2 - b1_x1 - b1_x2).pow(2) + (b2_y1 + b2_y2 - b1_y1 - b1_y2).pow(2)) / 4
    v = (4 / math.pi**2) * (torch.atan2(w2, h2) - torch.atan2(w1, h1)).pow(2)
    with torch.no_grad():
        alpha = v / (v - iou + (1 + eps))
    return iou - (rho2 / c2 + v * alpha)
pred = torch.tensor([[0., 0., 2., 2.], [1., 1.5, 3., 4.]], requires_grad=True)
loss = (1 - bbox_ciou(pred, torch.tensor([[1., 1., 3., 3.], [1., 1., 3.5, 3.]]))).mean()
loss.backward()
print(loss)
"""
WING = """\
import math
class WingLoss(nn.Module):
    def __init__(self, omega=10, epsilon=2):
        super().__init__()
        self.omega, self.epsilon = omega, epsilon
    def forward(self, pred, target):
        delta_y = (target - pred).abs()
        delta_y1 = delta_y[delta_y < self.omega]
        delta_y2 = delta_y[delta_y >= self.omega]
        loss1 = self.omega * torch.log(1 + delta_y1 / self.epsilon)
        C = self.omega - self.omega * math.log(1 + self.omega / self.epsilon)
        loss2 = delta_y2 - C
        return (loss1.sum() + loss2.sum()) / (len(loss1) + len(loss2))
pred = torch.tensor([1.0, 14.0, 3.5], requires_grad=True)
loss = WingLoss()(pred, torch.tensor([1.5, 1.0, 2.0]))
loss.backward()
print(loss)
"""
ADAPTIVE_WING = """\
class AdaptiveWingLoss(nn.Module):
    def __init__(self, omega=14, theta=0.5, epsilon=1, alpha=2.1):
        super().__init__()
        self.omega, self.theta, self.epsilon, self.alpha = omega, theta, epsilon, alpha
    def forward(self, pred, target):
        y, y_hat = target, pred
        delta_y = (y - y_hat).abs()
        delta_y1, delta_y2 = delta_y[delta_y < self.theta], delta_y[delta_y >= self.theta]
        y1, y2 = y[delta_y < self.theta], y[delta_y >= self.theta]
        loss1 = self.omega * torch.log(1 + torch.pow(delta_y1 / self.omega, self.alpha - y1))
        A = self.omega * (1 / (1 + torch.pow(self.theta / self.epsilon, self.alpha - y2))) * (self.alpha - y2) * (
            torch.pow(self.theta / self.epsilon, self.alpha - y2 - 1)) * (1 / self.epsilon)
        C = self.theta * A - self.omega * torch.log(1 + torch.pow(self.theta / self.epsilon, self.alpha - y2))
        loss2 = A * delta_y2 - C
        return (loss1.sum() + loss2.sum()) / (len(loss1) + len(loss2))
pred = torch.tensor([0.1, 0.9, 0.2], requires_grad=True)
print(AdaptiveWingLoss()(pred, torch.tensor([0.0, 0.75, 1.0])))
"""
GRAM_STYLE = """\
def gram_matrix(input):
    a, b, c, d = input.size()
    features = input.view(a * b, c * d)
    G = torch.mm(features, features.t())
    return G.div(a * b * c * d)
torch.manual_seed(0)
gen = torch.randn(1, 3, 2, 2, requires_grad=True)
style, content = torch.randn(1, 3, 2, 2), torch.randn(1, 3, 2, 2)
content_loss = F.mse_loss(gen, content)
style_loss = F.mse_loss(gram_matrix(gen), gram_matrix(style))
loss = content_loss + 1000 * style_loss
loss.backward()
print(loss)
"""
PERCEPTUAL = """\
torch.manual_seed(0)
vgg = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, padding=1)).eval()
for p in vgg.parameters():
    p.requires_grad = False
sr, hr = torch.rand(1, 3, 4, 4, requires_grad=True), torch.rand(1, 3, 4, 4)
perception_loss = F.mse_loss(vgg(sr), vgg(hr))
loss = F.l1_loss(sr, hr) + 0.006 * perception_loss
loss.backward()
print(loss)
"""
FOCAL_FREQUENCY = """\
torch.manual_seed(0)
pred = torch.rand(1, 1, 4, 4, requires_grad=True)
target = torch.rand(1, 1, 4, 4)
fp = torch.fft.fft2(pred, norm='ortho')
ft = torch.fft.fft2(target, norm='ortho')
fp = torch.stack([fp.real, fp.imag], -1)
ft = torch.stack([ft.real, ft.imag], -1)
d = (fp - ft) ** 2
freq_distance = d[..., 0] + d[..., 1]
w = freq_distance.detach().sqrt()
w = w / w.max()
loss = torch.mean(w * freq_distance)
loss.backward()
print(loss)
"""
CERTIFIED = {name: text for name, text in list(globals().items()) if name.isupper() and isinstance(text, str)}
