// A trained model: flux by labels (Ho et al. 2017, eq. 4), its derivatives, and the information of its pixels.

class SpectralModel {
  static async of(data) {
    const names = ["wavelength", "theta", "scatter", "kappa", ...(data.loadings ? ["loadings"] : [])];
    const arrays = await Promise.all(names.map((name) => unpacked(data[name])));
    return new SpectralModel(data, Object.fromEntries(names.map((name, i) => [name, arrays[i]])));
  }

  constructor(data, arrays) {
    Object.assign(this, arrays);
    this.data = data;
    this.labels = data.labels;
    this.nLabel = data.labels.length;
    this.nTerm = data.theta.shape[1];
    this.nPixel = this.wavelength.length;
    this.nHidden = data.loadings ? data.loadings.shape[1] : 0;
  }

  scaled(labels) {
    return labels.map((value, k) => (value - this.data.pivot[k]) / this.data.scale[k]);
  }

  // v(l), eq. 6
  vector(scaled) {
    const [first, second] = this.data.pairs;
    return [1, ...scaled, ...first.map((i, t) => scaled[i] * scaled[second[t]])];
  }

  // dv/dl_k of scaled labels
  vectorSlope(scaled, k) {
    const [first, second] = this.data.pairs;
    const ones = scaled.map((_, j) => (j === k ? 1 : 0));
    const quadratic = first.map((i, t) => (i === k ? scaled[second[t]] : 0) + (second[t] === k ? scaled[i] : 0));
    return [0, ...ones, ...quadratic];
  }

  // theta . terms in every pixel; NaN where the model has no fit
  product(terms) {
    const { theta, nTerm, nPixel, scatter } = this;
    const flux = new Float64Array(nPixel);
    for (let p = 0, at = 0; p < nPixel; p++) {
      let sum = 0;
      for (let t = 0; t < nTerm; t++) sum += theta[at++] * terms[t];
      flux[p] = Number.isFinite(scatter[p]) ? sum : NaN;
    }
    return flux;
  }

  flux(labels) {
    return this.product(this.vector(this.scaled(labels)));
  }

  // For each label the information that each pixel adds if the others and hidden components are unknown, in the label's
  // unit^-2, and its formal error: bayescannon.stars.pixel_information in the page.
  information(labels, snr) {
    const scaled = this.scaled(labels);
    const { nLabel, nHidden, nPixel, loadings } = this;
    const n = nLabel + nHidden;
    const columns = scaled.map((_, k) => this.product(this.vectorSlope(scaled, k)));
    for (let r = 0; r < nHidden; r++) {
      columns.push(Float64Array.from({ length: nPixel }, (_, p) => loadings[p * nHidden + r]));
    }
    const weight = new Float64Array(nPixel);
    for (let p = 0; p < nPixel; p++) {
      const s = this.scatter[p];
      weight[p] = Number.isFinite(s) ? 1 / (s * s + (this.kappa[p] / snr) ** 2) : 0;
    }
    const matrix = Array.from({ length: n }, () => new Float64Array(n));
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = i === j && i >= nLabel ? 1 : 0;
        for (let p = 0; p < nPixel; p++) if (weight[p]) sum += columns[i][p] * weight[p] * columns[j][p];
        matrix[i][j] = matrix[j][i] = sum;
      }
    }
    const covariance = inverse(matrix);
    return scaled.map((_, k) => {
      const marginal = new Float64Array(nPixel);
      for (let p = 0; p < nPixel; p++) {
        if (!weight[p]) continue;
        let own = 0;
        for (let j = 0; j < n; j++) own += columns[j][p] * covariance[j][k];
        own /= covariance[k][k];
        marginal[p] = (weight[p] * own * own) / this.data.scale[k] ** 2;
      }
      return { marginal, error: Math.sqrt(covariance[k][k]) * this.data.scale[k] };
    });
  }
}

// The inverse of a symmetric positive definite matrix, by Cholesky factors.
function inverse(matrix) {
  const n = matrix.length;
  const lower = matrix.map((row) => Float64Array.from(row));
  for (let j = 0; j < n; j++) {
    for (let k = 0; k < j; k++) lower[j][j] -= lower[j][k] ** 2;
    lower[j][j] = Math.sqrt(lower[j][j]);
    for (let i = j + 1; i < n; i++) {
      for (let k = 0; k < j; k++) lower[i][j] -= lower[i][k] * lower[j][k];
      lower[i][j] /= lower[j][j];
    }
  }
  const result = Array.from({ length: n }, () => new Float64Array(n));
  for (let c = 0; c < n; c++) {
    const x = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      x[i] = i === c ? 1 : 0;
      for (let k = 0; k < i; k++) x[i] -= lower[i][k] * x[k];
      x[i] /= lower[i][i];
    }
    for (let i = n - 1; i >= 0; i--) {
      for (let k = i + 1; k < n; k++) x[i] -= lower[k][i] * x[k];
      x[i] /= lower[i][i];
    }
    for (let i = 0; i < n; i++) result[i][c] = x[i];
  }
  return result;
}
