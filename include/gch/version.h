/* The library's version (semantic versioning). */
#ifndef GCH_VERSION_H
#define GCH_VERSION_H

#define GCH_VERSION_TEXT "0.1.0"

#endif
