// The code of a sum: how many of its channel's thresholds it reaches, all compared at once.
(* keep_hierarchy *)
module threshold #(
    parameter int CODE_BITS = 1, SUM_BITS = 16, ROWS = 4,
    parameter int STEPS = (1 << CODE_BITS) - 1,
    parameter int ROW_BITS = ROWS > 1 ? $clog2(ROWS) : 1
) (
    input  logic                       clk, enable, write,
    input  logic [ROW_BITS-1:0]        row, write_row,
    input  logic signed [SUM_BITS-1:0] sum,
    input  logic [STEPS*SUM_BITS-1:0]  write_data,
    output logic [CODE_BITS-1:0]       code
);
    (* ram_style = "distributed" *)
    logic [STEPS*SUM_BITS-1:0] memory [ROWS];
    logic [STEPS*SUM_BITS-1:0] thresholds;
    logic [CODE_BITS-1:0] reached;
    always_ff @(posedge clk) if (write) memory[write_row] <= write_data;
    assign thresholds = memory[row];
    always_comb begin
        reached = '0;
        for (int t = 0; t < STEPS; t++)
            reached = reached + CODE_BITS'(sum >= $signed(thresholds[t*SUM_BITS +: SUM_BITS]));
    end
    always_ff @(posedge clk) if (enable) code <= reached;
endmodule
