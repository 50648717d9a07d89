#pragma once

namespace tidelog::cli {

/// From now on Ctrl-C and SIGTERM only set a flag and break blocking reads; a second one kills as usual.
void catch_interrupts();
bool was_interrupted();

}  // namespace tidelog::cli
