// Graphviz, as a file of its own: a page loads it when a picture needs it, and starts it as a Worker.

import { serve } from "./worker.ts";

serve();
