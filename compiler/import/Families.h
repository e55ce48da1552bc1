// The functions that write one family's model each; the table that names them stands in Import.cpp. Private to import/.
#pragma once

namespace decant {

class ModelBuilder;

void buildBart(ModelBuilder &builder);
void buildTorchDecoder(ModelBuilder &builder);

} // namespace decant
