// All ops of `dec`, by theme.
include "ModelOps.td"
include "MaskOps.td"
include "LayerOps.td"
include "AttentionOps.td"
