//! The numbers that describe one encoder, read from `config.json` and checked. Not its weights.

use super::family::{self, Family, Positions};
use crate::error::Error;
use crate::kernel::MAX_HEAD;
use serde_json::Value;

/// What the inside of a feed-forward layer goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// GELU with erf.
    Gelu,
    /// GELU in its tanh form.
    GeluTanh,
    /// `x * sigmoid(x)`.
    Silu,
    /// The positive part.
    Relu,
}

/// The shape of an encoder.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The family.
    pub family: &'static Family,
    /// Width of the states.
    pub hidden: usize,
    /// Width inside feed-forward layers.
    pub inner: usize,
    /// Heads.
    pub heads: usize,
    /// Layers.
    pub layers: usize,
    /// Tokens that a text may have.
    pub most_tokens: usize,
    /// Rows of the table of positions, where there is one.
    pub positions: usize,
    /// Tokens in the vocabulary.
    pub vocab: usize,
    /// Kinds of segments.
    pub types: usize,
    /// Added to variances.
    pub eps: f32,
    /// Inside feed-forward layers.
    pub activation: Activation,
    /// RoPE bases of layers that see everything, and of those with a window.
    pub rope: [f64; 2],
    /// Positions that a layer with a window sees to each side.
    pub window: usize,
    /// For each layer whether it has a window.
    pub windowed: Vec<bool>,
    /// Whether a reranker takes the mean of the states and not the first.
    pub score_mean: bool,
    /// Scores that a reranker gives for each pair.
    pub labels: usize,
}

/// `config.json`, read by any of the names that makers give a number.
struct Keys(Value);

impl Keys {
    fn find(&self, names: &[&str]) -> Option<&Value> {
        names.iter().filter_map(|n| self.0.get(n)).find(|v| !v.is_null())
    }

    fn int(&self, names: &[&str], most: u64) -> Result<usize, Error> {
        let name = names.first().copied().unwrap_or_default();
        let value = self.find(names).ok_or_else(|| Error::Damaged(format!("config.json does not say {name}")))?;
        match value.as_u64().filter(|v| (1..=most).contains(v)) {
            Some(v) => Ok(v as usize),
            None => Err(Error::Damaged(format!("config.json has an impossible {name}"))),
        }
    }

    fn int_or(&self, names: &[&str], most: u64, other: usize) -> Result<usize, Error> {
        if self.find(names).is_some() { self.int(names, most) } else { Ok(other) }
    }

    fn float_or(&self, names: &[&str], other: f64) -> Result<f64, Error> {
        let Some(value) = self.find(names) else { return Ok(other) };
        let value = value.as_f64().filter(|v| v.is_finite() && *v > 0.0 && *v < 1e12);
        value.ok_or_else(|| Error::Damaged(format!("config.json has an impossible {}", names.join(" or "))))
    }

    fn text(&self, names: &[&str]) -> &str {
        self.find(names).and_then(Value::as_str).unwrap_or_default()
    }

    /// A number inside of `rope_parameters`, under the kind of layer where these differ.
    fn rope(&self, kind: &str, key: &str) -> Option<f64> {
        let rope = self.0.get("rope_parameters")?;
        rope.get(kind).unwrap_or(rope).get(key)?.as_f64().filter(|v| v.is_finite() && *v > 0.0 && *v < 1e12)
    }
}

impl Shape {
    /// Reads the configuration.
    ///
    /// # Errors
    /// `Unsupported` for families and features that do not run here, `Damaged` for missing or impossible numbers.
    pub fn read(config: &[u8]) -> Result<Self, Error> {
        let k: Value = serde_json::from_slice(config).map_err(|e| Error::Damaged(format!("config.json: {e}")))?;
        let k = Keys(k);
        let kind = k.text(&["model_type"]);
        let family = family::named(kind, k.text(&["position_embedding_type"])).ok_or_else(|| {
            Error::Unsupported(format!("the encoder \"{kind}\" (these run: {})", family::NAMES.join(", ")))
        })?;
        k.refuse_unknown()?;
        let hidden = k.int(&["hidden_size", "n_embd"], 1 << 14)?;
        let heads = k.int(&["num_attention_heads", "n_head"], 1 << 8)?;
        let layers = k.int(&["num_hidden_layers", "n_layer"], 1 << 8)?;
        let positions = k.int(&["max_position_embeddings", "n_positions"], 1 << 20)?;
        let first = match family.positions {
            Positions::Table { first, .. } => first,
            _ => 0,
        };
        if !hidden.is_multiple_of(heads) || positions <= first {
            return Err(Error::Damaged("config.json has impossible numbers".into()));
        }
        match hidden / heads {
            d if d.is_multiple_of(16) && d <= MAX_HEAD => {}
            d => return Err(Error::Unsupported(format!("heads of width {d}"))),
        }
        let everywhere = k.float_or(
            &["global_rope_theta", "rotary_emb_base", "rope_theta"],
            match family.name {
                "modernbert" => 160_000.0,
                _ => 1000.0,
            },
        )?;
        let near = k.float_or(&["local_rope_theta"], 10_000.0)?;
        Ok(Self {
            family,
            hidden,
            inner: k.int_or(&["intermediate_size", "n_inner"], 1 << 16, 4 * hidden)?,
            heads,
            layers,
            most_tokens: positions - first,
            positions,
            vocab: k.int(&["vocab_size"], 1 << 24)?,
            types: k.int_or(&["type_vocab_size"], 1 << 8, 2)?,
            eps: k.float_or(&["layer_norm_eps", "layer_norm_epsilon", "norm_eps"], 1e-12)? as f32,
            activation: k.activation()?,
            rope: [
                k.rope("full_attention", "rope_theta").unwrap_or(everywhere),
                k.rope("sliding_attention", "rope_theta").unwrap_or(near),
            ],
            window: k.int_or(&["local_attention"], 1 << 20, 128)? / 2,
            windowed: k.windowed(family, layers)?,
            score_mean: k.text(&["classifier_pooling"]) == "mean",
            labels: k.labels(),
        })
    }
}

impl Keys {
    /// Features of these families that would change the numbers and are not computed here.
    fn refuse_unknown(&self) -> Result<(), Error> {
        let on = |name: &str| self.0.get(name).and_then(Value::as_bool) == Some(true);
        let fraction = self.float_or(&["rotary_emb_fraction", "partial_rotary_factor"], 1.0)?;
        let experts = self.0.get("num_experts").and_then(Value::as_u64).is_some_and(|n| n > 1);
        let kinds = ["", "/full_attention", "/sliding_attention"].map(|k| format!("/rope_parameters{k}/rope_type"));
        let scaled = ["rotary_scaling_factor", "rope_scaling"].iter().any(|n| self.find(&[n]).is_some())
            || kinds.iter().any(|k| self.0.pointer(k).and_then(Value::as_str).is_some_and(|t| t != "default"));
        let feature = if on("prenorm") {
            "norms before sublayers"
        } else if on("rotary_emb_interleaved") {
            "interleaved RoPE"
        } else if on("is_decoder") {
            "a decoder's mask"
        } else if fraction < 1.0 {
            "RoPE over a part of each head"
        } else if experts {
            "experts"
        } else if scaled {
            "stretched RoPE"
        } else {
            return Ok(());
        };
        Err(Error::Unsupported(format!("an encoder with {feature}")))
    }

    fn activation(&self) -> Result<Activation, Error> {
        match self.text(&["feed_forward_type"]) {
            "" | "original" => {}
            "geglu" => return Ok(Activation::Gelu),
            "reglu" => return Ok(Activation::Relu),
            other => return Err(Error::Unsupported(format!("an encoder with {other} layers"))),
        }
        match self.text(&["hidden_act", "hidden_activation", "activation_function"]) {
            "gelu" | "geglu" => Ok(Activation::Gelu),
            "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Ok(Activation::GeluTanh),
            "silu" | "swish" | "swiglu" => Ok(Activation::Silu),
            "relu" | "reglu" => Ok(Activation::Relu),
            other => Err(Error::Unsupported(format!("an encoder with the activation \"{other}\""))),
        }
    }

    fn windowed(&self, family: &Family, layers: usize) -> Result<Vec<bool>, Error> {
        if family.name != "modernbert" {
            return Ok(vec![false; layers]);
        }
        if let Some(kinds) = self.0.get("layer_types").and_then(Value::as_array) {
            if kinds.len() != layers {
                return Err(Error::Damaged("config.json names another number of layers than it has".into()));
            }
            return Ok(kinds.iter().map(|kind| kind == "sliding_attention").collect());
        }
        let every = self.int_or(&["global_attn_every_n_layers"], 1 << 8, 3)?;
        Ok((0..layers).map(|i| !i.is_multiple_of(every)).collect())
    }

    /// How many labels a classifier tells apart; `transformers` means two where the file says nothing.
    fn labels(&self) -> usize {
        let named = self.0.get("id2label").and_then(Value::as_object).map(serde_json::Map::len);
        let said = self.0.get("num_labels").and_then(Value::as_u64).map(|n| n.min(1 << 16) as usize);
        said.or(named).unwrap_or(2)
    }
}
