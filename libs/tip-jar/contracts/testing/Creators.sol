// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TipJar} from "../TipJar.sol";

/// A creator that passes what it gets on as another tip, inside the first.
contract ReentrantCreator {
    receive() external payable {
        TipJar(msg.sender).tip{value: msg.value}(address(0xbeef), "again", bytes32(0));
    }
}

/// A creator that takes no coins.
contract RefusingCreator {}

/// Tips several times in one transaction.
contract TipBatch {
    function tipAll(TipJar jar, address[] calldata creators, string calldata message) external payable {
        uint256 share = msg.value / creators.length;
        for (uint256 i = 0; i < creators.length; i++) jar.tip{value: share}(creators[i], message, bytes32(i));
    }
}
