/* GPU Charts: exact charts of very large time series. This header includes the whole library. */
#ifndef GCH_H
#define GCH_H

#include "gch/allocator.h"
#include "gch/arrow.h"
#include "gch/chart.h"
#include "gch/columns.h"
#include "gch/data.h"
#include "gch/decimal.h"
#include "gch/encoder.h"
#include "gch/file.h"
#include "gch/follow.h"
#include "gch/http.h"
#include "gch/image.h"
#include "gch/ingest.h"
#include "gch/live.h"
#include "gch/overlay.h"
#include "gch/plane.h"
#include "gch/progress.h"
#include "gch/publish.h"
#include "gch/query.h"
#include "gch/remote.h"
#include "gch/serve.h"
#include "gch/status.h"
#include "gch/time.h"
#include "gch/value.h"
#include "gch/version.h"
#include "gch/websocket.h"
#include "gch/workers.h"
#include "gch/writer.h"

#endif
