#pragma once

// What nearly every unit of the broker pulls in, compiled once: without, a clean build takes two minutes more. A change of these headers
// rebuilds most of the broker anyway.
#include "broker/env/precompiled.h"
#include "broker/handlers/handler.h"
#include "broker/quorum/controller.h"
#include "broker/shard/run_on.h"
