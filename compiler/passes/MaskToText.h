// A mask or score region -> the text of a MaskExpr (schedules/spec/MaskExpr.h).
#pragma once

#include "compiler/dialect/Dec.h"

#include <string>

namespace decant {

/// S-expression of what `body` yields; parameter i of the region is named `p<firstParam + i>`. Names of functions and
/// values do not appear: equal masks give equal text. Fails with a diagnostic on an op that kernels cannot evaluate.
mlir::FailureOr<std::string> maskToText(mlir::Region &body, unsigned firstParam);

/// `name:type:rank` of each parameter of the region, comma-separated; "" if none.
std::string maskParamsToText(mlir::Region &body, unsigned firstParam);

} // namespace decant
