// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// A price feed that says what it is told to, in the words of a Chainlink aggregator.
contract PriceFeed {
    uint8 public decimals = 8;
    bool private broken;
    uint80 private roundId;
    int256 private answer;
    uint256 private startedAt;
    uint256 private updatedAt;

    function setDecimals(uint8 digits) external {
        decimals = digits;
    }

    function setBroken(bool isBroken) external {
        broken = isBroken;
    }

    function setRound(uint80 id, int256 price, uint256 started, uint256 updated) external {
        (roundId, answer, startedAt, updatedAt) = (id, price, started, updated);
    }

    /// As `setRound`, of the block that it lands in.
    function setPrice(int256 price) external {
        (roundId, answer, startedAt, updatedAt) = (roundId + 1, price, block.timestamp, block.timestamp);
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        require(!broken, "No data present");
        return (roundId, answer, startedAt, updatedAt, roundId);
    }
}
