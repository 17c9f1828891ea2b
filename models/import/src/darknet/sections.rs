//! The layers without parameters.

use super::cfg::Section;
use super::convolution::{activation, stride};
use super::options::Keys;
use crate::Result;
use tincy_network::{Activation, Op, Padding, Pool};

const MAXPOOL: Keys = Keys {
    used: &["size", "stride", "stride_x", "stride_y", "padding"],
    ignored: &[],
    neutral: &[
        ("maxpool_depth", 0.0),
        ("out_channels", 1.0),
        ("antialiasing", 0.0),
    ],
};

const UPSAMPLE: Keys = Keys {
    used: &["stride"],
    ignored: &[],
    neutral: &[("scale", 1.0)],
};

const REORG: Keys = Keys {
    used: &["stride"],
    ignored: &[],
    neutral: &[("reverse", 0.0), ("flatten", 0.0), ("extra", 0.0)],
};

const SOFTMAX: Keys = Keys {
    used: &[],
    ignored: &["noloss"],
    neutral: &[("groups", 1.0), ("temperature", 1.0), ("spatial", 0.0)],
};

const SHORTCUT: Keys = Keys {
    used: &["from", "activation", "weights_type"],
    ignored: &["weights_normalization"],
    neutral: &[("alpha", 1.0), ("beta", 1.0)],
};

const SCALE_CHANNELS: Keys = Keys {
    used: &["from", "activation"],
    ignored: &[],
    neutral: &[("scale_wh", 0.0)],
};

const ROUTE: Keys = Keys {
    used: &["layers", "groups", "group_id"],
    ignored: &[],
    neutral: &[],
};

const AVGPOOL: Keys = Keys {
    used: &[],
    ignored: &[],
    neutral: &[],
};

const ACTIVATION: Keys = Keys {
    used: &["activation"],
    ignored: &[],
    neutral: &[],
};

/// `[maxpool]`: the padding is that of both sides together, by default all but one of the window.
pub(super) fn maxpool(section: &Section) -> Result<Op> {
    section.check(&MAXPOOL)?;
    let stride = stride(section)?;
    let size: usize = section.number_or("size", section.number_or("stride", 1)?)?;
    let padding = section.number_or("padding", size.saturating_sub(1))?;
    Ok(Op::MaxPool(Pool {
        size: [size; 2],
        stride,
        padding: Padding::split(padding),
    }))
}

/// `[avgpool]`: over the whole map.
pub(super) fn avgpool(section: &Section) -> Result<Op> {
    section.check(&AVGPOOL)?;
    Ok(Op::GlobalAverage)
}

/// `[upsample]`.
pub(super) fn upsample(section: &Section) -> Result<Op> {
    section.check(&UPSAMPLE)?;
    let factor = section.number_or("stride", 2)?;
    Ok(Op::Upsample { factor })
}

/// `[reorg]`.
pub(super) fn reorg(section: &Section) -> Result<Op> {
    section.check(&REORG)?;
    let stride = section.number_or("stride", 1)?;
    Ok(Op::Reorg { stride })
}

/// `[softmax]`: over all elements.
pub(super) fn softmax(section: &Section) -> Result<Op> {
    section.check(&SOFTMAX)?;
    Ok(Op::Softmax)
}

/// `[activation]`.
pub(super) fn activate(section: &Section) -> Result<Op> {
    section.check(&ACTIVATION)?;
    let activation = activation(section, "linear")?;
    Ok(Op::Activation { activation })
}

/// `[shortcut]`: the layers that are added to the one before, and the activation of the sum.
pub(super) fn shortcut(section: &Section) -> Result<(Vec<i64>, Activation)> {
    section.check(&SHORTCUT)?;
    if let Some(entry) = section.entry("weights_type")
        && entry.value != "none"
    {
        return Err(section.wrong_at(entry.line, "weighted shortcuts are not supported"));
    }
    let from = section.list("from")?;
    if from.is_empty() {
        return Err(section.wrong("[shortcut] needs from="));
    }
    Ok((from, activation(section, "linear")?))
}

/// `[scale_channels]`: the layer whose channels are scaled by the one before.
pub(super) fn scale_channels(section: &Section) -> Result<(i64, Op)> {
    section.check(&SCALE_CHANNELS)?;
    let activation = activation(section, "linear")?;
    Ok((section.needed("from")?, Op::ScaleChannels { activation }))
}

/// What a `[route]` joins.
pub(super) struct Route {
    /// The layers, by number or counted back from this one.
    pub(super) layers: Vec<i64>,
    /// Parts that each layer's channels are cut into.
    pub(super) groups: usize,
    /// Which of the parts is taken.
    pub(super) part: usize,
}

/// `[route]`.
pub(super) fn route(section: &Section) -> Result<Route> {
    section.check(&ROUTE)?;
    let layers = section.list("layers")?;
    if layers.is_empty() {
        return Err(section.wrong("[route] needs layers="));
    }
    let groups = section.number_or("groups", 1)?;
    let part = if groups == 1 {
        0
    } else {
        section.needed("group_id")?
    };
    if part >= groups {
        return Err(section.wrong(format!("group_id={part} is not one of groups={groups}")));
    }
    Ok(Route {
        layers,
        groups,
        part,
    })
}
